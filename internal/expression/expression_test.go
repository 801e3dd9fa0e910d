package expression

import (
	"errors"
	"strings"
	"sync"
	"testing"
)

var sample = map[string]any{
	"project": "", "model": "", "cost": 0.0, "calls": 0, "tags": map[string]string{}, "models": []string{},
}

func TestTrue(t *testing.T) {
	values := map[string]any{
		"project": "shop", "model": "gpt-4o-mini", "cost": 0.25, "calls": 12,
		"tags": map[string]string{"team": "a"}, "models": []string{"gpt-4o", "claude"},
	}
	tests := []struct {
		source string
		want   bool
	}{
		{`project == "shop"`, true},
		{`project == "shop" and tags.team in ["a", "b"]`, true},
		{`tags["region"] == "eu"`, false}, // a missing tag is empty, not an error
		{`tags.region == ""`, true},
		{`model startsWith "gpt-4o" && cost < 0.5`, true},
		{`model matches "^claude"`, false},
		{`any(models, # startsWith "claude")`, true},
		{`calls >= 10 ? cost > 1 : true`, false},
		{`not (lower(project) contains "SHOP")`, true},
	}
	for _, tt := range tests {
		p, err := CompileCondition(tt.source, sample)
		if err != nil {
			t.Errorf("%s: %v", tt.source, err)
			continue
		}
		if got, err := p.True(values); err != nil || got != tt.want {
			t.Errorf("%s: got %v, %v; want %v", tt.source, got, err, tt.want)
		}
	}
}

func TestCompileSaysWhere(t *testing.T) {
	tests := []struct {
		source       string
		line, column int
		says         string
	}{
		{`project = "shop"`, 1, 9, ""},
		{`projekt == "shop"`, 1, 1, "known are calls, cost, model"},
		{"project == \"shop\" and\n  (model == \"a\"", 2, 15, "unexpected token EOF"},
		{`cost > "a"`, 1, 6, "invalid operation"},
		{`cost + 1`, 0, 0, "expected bool, but got float64"},
		{``, 0, 0, "empty"},
		{"\xff", 0, 0, "UTF-8"},
		{strings.Repeat("a", MaxSource+1), 0, 0, "at most 4096"},
		{strings.Repeat("cost > 1 and ", 200) + "true", 0, 0, "nodes"},
		{`any(models, any(models, # == "a"))`, 1, 1, "loop in a loop"},
		{`len(1..1000000) > 3`, 1, 6, "ranges"},
		{`now().Year() > 2000`, 1, 1, "unknown name now"},
		{`repeat(project, 1000000) == ""`, 1, 1, "unknown name repeat"},
		{`fromJSON(project) == 1`, 1, 1, "unknown name fromJSON"},
		{strings.Repeat("(", 3000) + "true" + strings.Repeat(")", 3000), 0, 0, "4096"},
	}
	for _, tt := range tests {
		_, err := CompileCondition(tt.source, sample)
		fault, ok := errors.AsType[*Error](err)
		if !ok {
			t.Errorf("%.60q: got %v, want an *Error", tt.source, err)
			continue
		}
		if tt.line != 0 && (fault.Line != tt.line || fault.Column != tt.column) {
			t.Errorf("%.60q: got line %d, column %d (%s), want %d, %d", tt.source, fault.Line, fault.Column, fault.Message, tt.line, tt.column)
		}
		if !strings.Contains(fault.Error(), tt.says) {
			t.Errorf("%.60q: got %q, want it to say %q", tt.source, fault, tt.says)
		}
	}
}

func TestRunHasLimits(t *testing.T) {
	p, err := Compile(`map(models, # + "x")`, sample)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Run(map[string]any{"models": make([]string, MaxMemory+1)}); err == nil {
		t.Errorf("a run made a list of more than %d elements", MaxMemory)
	}
	got, err := p.Run(map[string]any{"models": []string{"a"}}) // the machine is as good as new
	if err != nil || len(got.([]any)) != 1 {
		t.Errorf("got %v, %v after a run that failed", got, err)
	}
	if p.String() != `map(models, # + "x")` {
		t.Errorf("got %q", p)
	}
}

func TestTrueWantsTruth(t *testing.T) {
	p, err := Compile(`cost + 1`, sample)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.True(map[string]any{"cost": 1.0}); err == nil {
		t.Error("2 was taken for true or false")
	}
	if _, err := p.Run(map[string]any{}); err == nil {
		t.Error("nothing + 1 was no error")
	}
}

func TestConcurrentRuns(t *testing.T) {
	p, err := CompileCondition(`any(models, # == project)`, sample)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 200 {
				want := i%2 == 0
				name := map[bool]string{true: "b", false: "c"}[want]
				if got, err := p.True(map[string]any{"project": name, "models": []string{"a", "b"}}); err != nil || got != want {
					t.Errorf("got %v, %v, want %v", got, err, want)
					return
				}
			}
		})
	}
	wg.Wait()
}

// Nothing that a person can type ends the program.
func FuzzCompile(f *testing.F) {
	for _, s := range []string{`project == "a"`, `any(models, # == "a")`, `cost > 1 ? true : false`, `tags.a ?? "b" == "b"`, `let x = cost; x > 1`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		p, err := CompileCondition(source, sample)
		if err != nil {
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Errorf("got %T", err)
			}
			return
		}
		_, _ = p.True(map[string]any{"project": "a", "model": "m", "cost": 1.5, "calls": 2, "tags": map[string]string{"a": "b"}, "models": []string{"x"}})
	})
}

func BenchmarkTrue(b *testing.B) {
	p, err := CompileCondition(`project == "shop" and tags.team in ["a", "b"]`, sample)
	if err != nil {
		b.Fatal(err)
	}
	values := map[string]any{"project": "shop", "tags": map[string]string{"team": "a"}}
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := p.True(values); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
