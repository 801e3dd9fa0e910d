package parquet

import (
	"errors"
	"fmt"

	"github.com/parquet-go/parquet-go"
)

// errRow says that a row's values do not fit together.
var errRow = errors.New("its values do not fit together")

// part is a node of the schema.
type part struct {
	name     string
	optional bool
	repeated bool
	shape    shape
	first    int // leaf
	leaves   int
	children []*part
	convert  func(parquet.Value) (any, error) // of a leaf
}

type shape int

const (
	structure shape = iota
	listOf
	mapOf
)

// assembler makes rows of leaves' values.
type assembler struct {
	root   *part
	values [][]parquet.Value // of a row, by leaf
}

func newAssembler(root parquet.Node) *assembler {
	leaves := 0
	a := &assembler{root: newPart("", root, &leaves)}
	a.root.optional, a.root.repeated = false, false
	a.values = make([][]parquet.Value, leaves)
	return a
}

func newPart(name string, n parquet.Node, leaves *int) *part {
	p := &part{name: name, optional: n.Optional(), repeated: n.Repeated(), first: *leaves}
	if n.Leaf() {
		p.convert = converter(n.Type())
		*leaves++
	} else {
		for _, f := range n.Fields() {
			p.children = append(p.children, newPart(f.Name(), f, leaves))
		}
		if t := n.Type().LogicalType(); t != nil {
			p.shape = shapeOf(t, p)
		}
	}
	p.leaves = *leaves - p.first
	return p
}

// row makes a row, and takes what it says of the bytes that are left.
func (a *assembler) row(r parquet.Row, left *int64) (out Row, err error) {
	defer caught(&err)
	for i := range a.values {
		a.values[i] = a.values[i][:0]
	}
	for _, v := range r {
		if *left -= 8; v.Column() < 0 || v.Column() >= len(a.values) {
			return nil, errRow
		}
		if v.Kind() == parquet.ByteArray || v.Kind() == parquet.FixedLenByteArray {
			*left -= int64(len(v.ByteArray()))
		}
		a.values[v.Column()] = append(a.values[v.Column()], v)
	}
	if *left < 0 {
		return nil, errors.New("its rows say more than is read")
	}
	out = Row{}
	for _, c := range a.root.children {
		v, err := c.assemble(a.values[c.first:c.first+c.leaves], 0, 0)
		if err != nil {
			return nil, fmt.Errorf("the column %q: %w", c.name, err)
		}
		out[c.name] = v
	}
	return out, nil
}

// assemble makes the value of a part of its leaves' values, in which rep and def are the levels of what it is in.
func (p *part) assemble(values [][]parquet.Value, rep, def int) (any, error) {
	for _, v := range values {
		if len(v) == 0 {
			return nil, errRow
		}
	}
	switch {
	case p.optional:
		if def++; values[0][0].DefinitionLevel() < def {
			return nil, nil
		}
	case p.repeated:
		rep, def = rep+1, def+1
		list := []any{}
		if values[0][0].DefinitionLevel() < def {
			return list, nil
		}
		rest := append([][]parquet.Value(nil), values...)
		one := make([][]parquet.Value, len(values))
		for len(rest[0]) > 0 {
			for i, v := range rest {
				if len(v) == 0 {
					return nil, errRow
				}
				n := 1
				for n < len(v) && v[n].RepetitionLevel() > rep {
					n++
				}
				one[i], rest[i] = v[:n], v[n:]
			}
			v, err := p.one(one, rep, def)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		for _, v := range rest {
			if len(v) > 0 {
				return nil, errRow
			}
		}
		return list, nil
	}
	return p.one(values, rep, def)
}

// one makes a value that is there.
func (p *part) one(values [][]parquet.Value, rep, def int) (any, error) {
	if p.convert != nil {
		if len(values[0]) != 1 || values[0][0].IsNull() {
			return nil, errRow
		}
		return p.convert(values[0][0])
	}
	out := make(map[string]any, len(p.children))
	for _, c := range p.children {
		v, err := c.assemble(values[c.first-p.first:c.first-p.first+c.leaves], rep, def)
		if err != nil {
			return nil, err
		}
		out[c.name] = v
	}
	return p.shaped(out)
}

// shaped takes a list and a map out of the groups that Parquet has around their elements.
func (p *part) shaped(group map[string]any) (any, error) {
	if p.shape == structure {
		return group, nil
	}
	inner := p.children[0]
	list, ok := group[inner.name].([]any)
	if !ok {
		return nil, errRow
	}
	if p.shape == listOf {
		if inner.convert != nil || len(inner.children) != 1 {
			return list, nil
		}
		for i, v := range list {
			list[i] = v.(map[string]any)[inner.children[0].name] //nolint:forcetypeassert // a group is a map
		}
		return list, nil
	}
	out := make(map[string]any, len(list))
	for _, v := range list {
		pair := v.(map[string]any) //nolint:forcetypeassert // a group is a map
		out[fmt.Sprint(pair[inner.children[0].name])] = pair[inner.children[1].name]
	}
	return out, nil
}
