package main

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/internal/yamldoc"
)

// A configFault is one thing wrong with a configuration.
type configFault struct {
	line int // 0: not from the file
	text string
}

// configFaults are all things wrong with it, in the order of lines.
type configFaults struct {
	file   string
	faults []configFault
	lines  map[string]int // where each field stands in the file
}

// Error lists every fault with its line.
func (f *configFaults) Error() string {
	slices.SortStableFunc(f.faults, func(a, b configFault) int { return a.line - b.line })
	var b strings.Builder
	fmt.Fprintf(&b, "the configuration has %d %s:", len(f.faults), plural(len(f.faults), "fault", "faults"))
	for _, fault := range f.faults {
		b.WriteString("\n  ")
		if fault.line > 0 {
			fmt.Fprintf(&b, "%s:%d: ", f.file, fault.line)
		}
		b.WriteString(fault.text)
	}
	return b.String()
}

func (f *configFaults) add(line int, format string, args ...any) {
	f.faults = append(f.faults, configFault{line, fmt.Sprintf(format, args...)})
}

// stands notes the line of a field.
func (f *configFaults) stands(path string, line int) {
	if f.lines == nil {
		f.lines = map[string]int{}
	}
	f.lines[path] = line
}

// of adds a fault of a field, with its line when it stands in the file.
func (f *configFaults) of(path, format string, args ...any) {
	f.add(f.lines[path], path+": "+format, args...)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// decodeConfig reads YAML over cfg. Unknown and repeated fields and values of the wrong kind become faults; the rest is
// read all the same, so that one pass finds everything.
func decodeConfig(text []byte, cfg *Config, faults *configFaults) {
	doc, err := yamldoc.Parse(text)
	if err != nil {
		faults.add(yamlLine(err), "not valid YAML: %v", err)
		return
	}
	if doc == nil {
		return
	}
	decodeNode(doc, reflect.ValueOf(cfg).Elem(), "", faults)
}

// yamlLine is where a text is not YAML.
func yamlLine(err error) int {
	if syntax, ok := errors.AsType[*yamldoc.SyntaxError](err); ok {
		return syntax.Line
	}
	return 0
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	secretType   = reflect.TypeFor[secretText]()
)

func decodeNode(n *yamldoc.Node, v reflect.Value, path string, faults *configFaults) {
	if n.Tag == "!!null" {
		return
	}
	switch {
	case v.Type() == durationType:
		d, err := time.ParseDuration(n.Value)
		if n.Kind != yamldoc.Scalar || err != nil || d < 0 {
			faults.add(n.Line, "%s: %q is not a duration; write 500ms, 30s or 5m", path, n.Value)
			return
		}
		v.SetInt(int64(d))
	case v.Type() == secretType:
		if n.Kind != yamldoc.Scalar {
			faults.add(n.Line, "%s: want text, env:NAME or file:PATH", path)
			return
		}
		v.Set(reflect.ValueOf(secretText{account.NewSecret(n.Value), n.Line}))
	case v.Kind() == reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		decodeNode(n, v.Elem(), path, faults)
	case v.Kind() == reflect.Struct:
		decodeStruct(n, v, path, faults)
	case v.Kind() == reflect.Slice:
		decodeList(n, v, path, faults)
	case v.Kind() == reflect.Map:
		decodeMap(n, v, path, faults)
	default:
		decodeScalar(n, v, path, faults)
	}
}

func decodeStruct(n *yamldoc.Node, v reflect.Value, path string, faults *configFaults) {
	if n.Kind != yamldoc.Mapping {
		faults.add(n.Line, "%s: want fields, one a line", cmp.Or(path, "the file"))
		return
	}
	if p, ok := reflect.TypeAssert[interface{ at(line int) }](v.Addr()); ok {
		p.at(n.Line)
	}
	fields := map[string]reflect.Value{}
	for i := range v.NumField() {
		if tag := v.Type().Field(i).Tag.Get("yaml"); tag != "" {
			fields[tag] = v.Field(i)
		}
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := strings.TrimPrefix(path+"."+key.Value, ".")
		field, ok := fields[key.Value]
		switch {
		case !ok:
			faults.add(key.Line, "%s: there is no such field%s", at, suggestion(key.Value, fields))
		case seen[key.Value]:
			faults.add(key.Line, "%s: said twice", at)
		default:
			seen[key.Value] = true
			faults.stands(at, key.Line)
			decodeNode(value, field, at, faults)
		}
	}
}

func decodeList(n *yamldoc.Node, v reflect.Value, path string, faults *configFaults) {
	if n.Kind != yamldoc.Sequence {
		faults.add(n.Line, "%s: want a list", path)
		return
	}
	list := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, item := range n.Content {
		decodeNode(item, list.Index(i), fmt.Sprintf("%s[%d]", path, i), faults)
	}
	v.Set(list)
}

// decodeMap reads names and values that no struct lists.
func decodeMap(n *yamldoc.Node, v reflect.Value, path string, faults *configFaults) {
	if n.Kind != yamldoc.Mapping {
		faults.add(n.Line, "%s: want names with values", path)
		return
	}
	out := reflect.MakeMapWithSize(v.Type(), len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := reflect.ValueOf(n.Content[i].Value), reflect.New(v.Type().Elem()).Elem()
		at := path + "." + n.Content[i].Value
		if out.MapIndex(key).IsValid() {
			faults.add(n.Content[i].Line, "%s: said twice", at)
			continue
		}
		decodeNode(n.Content[i+1], value, at, faults)
		out.SetMapIndex(key, value)
	}
	v.Set(out)
}

func decodeScalar(n *yamldoc.Node, v reflect.Value, path string, faults *configFaults) {
	want := map[reflect.Kind]string{
		reflect.String: "text", reflect.Bool: "true or false", reflect.Int: "a whole number", reflect.Int64: "a whole number",
		reflect.Float64: "a number",
	}[v.Kind()]
	if n.Kind != yamldoc.Scalar {
		faults.add(n.Line, "%s: want %s", path, want)
		return
	}
	if v.Kind() == reflect.String {
		v.SetString(n.Value)
		return
	}
	if err := n.Decode(v.Addr().Interface()); err != nil {
		faults.add(n.Line, "%s: want %s, not %q", path, want, n.Value)
	}
}

// suggestion names the nearest field, when one is near.
func suggestion(name string, fields map[string]reflect.Value) string {
	best, distance := "", 3
	for field := range fields {
		if d := editDistance(name, field); d < distance || d == distance && field < best {
			best, distance = field, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			last, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, last+cost)
		}
	}
	return row[len(b)]
}

// asError gives nil for no faults.
func (f *configFaults) asError() error {
	if len(f.faults) == 0 {
		return nil
	}
	return f
}

var errConfig = errors.New("bad configuration")

// Is makes every configuration error an errConfig.
func (f *configFaults) Is(target error) bool { return target == errConfig }
