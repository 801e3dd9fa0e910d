package upstream

import (
	"strconv"

	"github.com/weir-dev/weir/internal/rawjson"
)

// object writes a JSON object member by member. The zero value is an empty one. Names need no escaping.
type object struct{ b []byte }

// raw adds a member whose value is JSON already; a nil value adds nothing.
func (o *object) raw(name string, v []byte) {
	if v == nil {
		return
	}
	if len(o.b) == 0 {
		o.b = append(o.b, '{')
	} else {
		o.b = append(o.b, ',')
	}
	o.b = append(append(append(o.b, '"'), name...), '"', ':')
	o.b = append(o.b, v...)
}

func (o *object) str(name, v string)        { o.raw(name, rawjson.Quote(v)) }
func (o *object) int(name string, n int64)  { o.raw(name, strconv.AppendInt(nil, n, 10)) }
func (o *object) bool(name string, v bool)  { o.raw(name, strconv.AppendBool(nil, v)) }
func (o *object) empty() bool               { return len(o.b) == 0 }
func (o *object) list(name string, vs list) { o.raw(name, vs.done()) }

// done is the whole object.
func (o *object) done() []byte {
	if len(o.b) == 0 {
		return []byte("{}")
	}
	return append(o.b, '}')
}

// list is a JSON array in the making, of JSON values.
type list [][]byte

// done is the whole array.
func (l list) done() []byte {
	b := []byte{'['}
	for i, v := range l {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, v...)
	}
	return append(b, ']')
}

// typed is the object {"type": typ, …}.
func typed(typ string) *object {
	o := &object{}
	o.str("type", typ)
	return o
}
