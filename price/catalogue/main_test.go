package main

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestBookIsGenerated(t *testing.T) {
	want, err := generate(os.DirFS("source"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("prices.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
		t.Errorf("prices.jsonl is not what the sources say, run go generate ./price (-want +got):\n%s", diff)
	}
}

// A fact that is not understood stops the generator: nothing is left out in silence.
func TestGenerateSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ file, line, want string }{
		{"prices.csv", "openai,x,chat,,abc,,,,1,,,,,,,,,,,,,,,true,provider,a,agreed", "input_per_mtok"},
		{"prices.csv", "openai,x,chat,tomorrow,1,,,,1,,,,,,,,,,,,,,,true,provider,a,agreed", "effective_from"},
		{"prices.csv", "openai,x,chat,,,,,,,,,,,,,,,,,,,,,true,provider,a,agreed", "no price is given"},
		{"prices.csv", "openai,x", "wrong number of fields"},
		{"aliases.csv", "a*b*c,d*e*f,openai,two stars", "not understood"},
		{"aliases.csv", "a,whatever it says,openai,words", "not understood"},
	} {
		source := fstest.MapFS{}
		for _, name := range []string{"prices.csv", "aliases.csv", "time_windows.csv", "fast_mode.csv"} {
			text, err := os.ReadFile("source/" + name)
			if err != nil {
				t.Fatal(err)
			}
			if name == c.file {
				text = append(text, c.line+"\n"...)
			}
			source[name] = &fstest.MapFile{Data: text}
		}
		if _, err := generate(source); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q in it", c.line, err, c.want)
		}
	}
}
