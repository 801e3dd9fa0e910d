// Package expression compiles and runs the short conditions that people write in settings, over named values.
package expression

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
)

const (
	// MaxSource is how long an expression may be, in bytes.
	MaxSource = 4096
	// MaxNodes is how many operators, names and constants an expression may have.
	MaxNodes = 256
	// MaxMemory is how many elements a run may make, all lists together.
	MaxMemory = 10_000
)

// functions are those an expression may call: pure, and at worst linear in what they are given. There is no loop in a loop
// and no range, so a run takes at most as many steps as the expression has nodes times the longest list it is given.
var functions = []string{
	"all", "none", "any", "one", "filter", "map", "count", "sum", "find",
	"len", "abs", "ceil", "floor", "round", "int", "float", "string", "trim", "trimPrefix", "trimSuffix", "upper", "lower",
	"indexOf", "hasPrefix", "hasSuffix", "max", "min", "mean", "first", "last", "get", "keys", "values",
}

// Error says where an expression is wrong. Lines and columns count from one, columns in characters.
type Error struct {
	Line, Column int // 0: the whole expression
	Message      string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}

// Program is a compiled expression. It is safe for concurrent use.
type Program struct {
	source  string
	program *vm.Program
}

// Compile reads an expression over the names of the sample; each sample value shows the type. A name that the sample does
// not have is an error. The error is an *Error.
func Compile(source string, sample map[string]any) (*Program, error) {
	return compile(source, sample)
}

// CompileCondition is Compile for an expression that must be true or false.
func CompileCondition(source string, sample map[string]any) (*Program, error) {
	return compile(source, sample, expr.AsBool(), expr.WarnOnAny())
}

func compile(source string, sample map[string]any, more ...expr.Option) (p *Program, err error) {
	switch {
	case len(source) > MaxSource:
		return nil, &Error{Message: fmt.Sprintf("the expression has %d bytes, at most %d are read; make it shorter", len(source), MaxSource)}
	case !utf8.ValidString(source):
		return nil, &Error{Message: "the expression is not valid UTF-8"}
	case strings.TrimSpace(source) == "":
		return nil, &Error{Message: "the expression is empty"}
	}
	// A panic of the compiler on odd input is the input's fault, not the end of the program.
	defer func() {
		if r := recover(); r != nil {
			p, err = nil, &Error{Message: fmt.Sprintf("the expression cannot be read: %v", r)}
		}
	}()
	limits := &limiter{}
	options := []expr.Option{expr.Env(maps.Clone(sample)), expr.MaxNodes(MaxNodes), expr.DisableAllBuiltins(), expr.Patch(limits)}
	for _, name := range functions {
		options = append(options, expr.EnableBuiltin(name))
	}
	compiled, err := expr.Compile(source, append(options, more...)...)
	if limits.fault != "" {
		at := (&file.Error{Location: limits.at}).Bind(file.NewSource(source))
		return nil, &Error{Line: at.Line, Column: at.Column + 1, Message: limits.fault}
	}
	if err != nil {
		return nil, told(err, sample)
	}
	return &Program{source: source, program: compiled}, nil
}

// told turns an error of the library into one with its position and what can be done.
func told(err error, sample map[string]any) *Error {
	at, ok := errors.AsType[*file.Error](err)
	if !ok {
		return &Error{Message: err.Error()}
	}
	message := at.Message
	if strings.HasPrefix(message, "unknown name") {
		message += "; known are " + strings.Join(slices.Sorted(maps.Keys(sample)), ", ")
	}
	if at.Snippet == "" && at.Line == 0 {
		return &Error{Message: message}
	}
	return &Error{Line: at.Line, Column: at.Column + 1, Message: message}
}

// limiter refuses what would make a run's steps more than linear.
type limiter struct {
	fault string
	at    file.Location
}

// Visit is called for each node, children first.
func (l *limiter) Visit(node *ast.Node) { //nolint:gocritic // ptrToRefParam: ast.Visitor says so
	switch n := (*node).(type) {
	case *ast.BinaryNode:
		if n.Operator == ".." {
			l.refuse(n, "ranges such as 1..9 are not available; compare with <= and >=")
		}
	case *ast.BuiltinNode:
		for _, argument := range n.Arguments {
			if predicate, ok := argument.(*ast.PredicateNode); ok && loops(predicate) {
				l.refuse(n, "a loop in a loop is not available; split the condition")
			}
		}
	}
}

func (l *limiter) refuse(n ast.Node, why string) {
	if l.fault == "" {
		l.fault, l.at = why, n.Location()
	}
}

// loops says whether a predicate itself goes over a list.
func loops(predicate *ast.PredicateNode) bool {
	found := &finder{}
	ast.Walk(&predicate.Node, found)
	return found.loop
}

type finder struct{ loop bool }

// Visit notes a loop.
func (f *finder) Visit(node *ast.Node) { //nolint:gocritic // ptrToRefParam: ast.Visitor says so
	if _, ok := (*node).(*ast.PredicateNode); ok {
		f.loop = true
	}
}

var machines = sync.Pool{New: func() any { return &vm.VM{MemoryBudget: MaxMemory} }}

// Run answers the expression's value for these values, which it only reads. What fails at run time, such as a comparison of
// a number with nothing, is an *Error.
func (p *Program) Run(values map[string]any) (any, error) {
	machine := machines.Get().(*vm.VM)
	defer machines.Put(machine)
	out, err := machine.Run(p.program, values)
	if err != nil {
		return nil, told(err, nil)
	}
	return out, nil
}

// True runs a condition. Anything but true or false is an error.
func (p *Program) True(values map[string]any) (bool, error) {
	out, err := p.Run(values)
	if err != nil {
		return false, err
	}
	is, ok := out.(bool)
	if !ok {
		return false, &Error{Message: fmt.Sprintf("the expression gives %T, want true or false", out)}
	}
	return is, nil
}

// String is the expression as it was written.
func (p *Program) String() string { return p.source }
