package upstream

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/weir-dev/weir/llm"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata/translate")

// TestTranslations sends each case of testdata/translate through the provider its name begins with. A case holds the
// client's request and may hold the provider's answer; what the provider was sent and the client got is compared, or
// written with -update. Adding a case needs no Go: name.txtar with the parts
//
//	request          the client's body
//	answer STATUS    the provider's body, an event stream if it looks like one; without it, only the request is looked at
//
// and then go test -run TestTranslations -update.
func TestTranslations(t *testing.T) {
	files, err := filepath.Glob("testdata/translate/*.txtar")
	check(t, err)
	if len(files) < 10 {
		t.Fatalf("%d cases, want the directory", len(files))
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			check(t, err)
			got := runCase(t, filepath.Base(file), txtar.Parse(text))
			if *update {
				check(t, os.WriteFile(file, got, 0o644))
			} else if !bytes.Equal(got, text) {
				t.Errorf("got\n%s\nwant\n%s", got, text)
			}
		})
	}
}

// runCase gives the case as it should be written.
func runCase(t *testing.T, name string, a *txtar.Archive) []byte {
	t.Helper()
	var request []byte
	status, answer := 200, []byte(nil)
	out := &txtar.Archive{Comment: a.Comment}
	for _, f := range a.Files {
		kind, rest, _ := strings.Cut(f.Name, " ")
		switch kind {
		case "request":
			request = f.Data
		case "answer":
			answer = f.Data
			var err error
			status, err = strconv.Atoi(rest)
			check(t, err)
		default:
			continue
		}
		out.Files = append(out.Files, f)
	}
	p := newProvider(t, says(status, string(answer)))
	if answer == nil {
		p.answer = says(500, "{}")
	}
	if bytes.HasPrefix(answer, []byte("event:")) || bytes.HasPrefix(answer, []byte("data:")) {
		p.answer = streams(string(answer))
	}
	r, fault := readRequest("", request)
	if fault != nil {
		t.Fatal(fault)
	}
	model, _ := r.take("model").Str()
	call := chatCall(model, string(request))
	if r.take("input") != nil {
		call.Endpoint, call.Path = llm.Embeddings, "/embeddings"
	}
	var sender llm.Sender
	switch kind, _, _ := strings.Cut(name, "-"); kind {
	case "anthropic":
		sender = closed(t, NewAnthropic(p.config(t, "anthropic", "/v1")))
	case "gemini":
		sender = closed(t, NewGemini(p.config(t, "gemini", "/v1beta")))
	default:
		t.Fatalf("no provider %s", kind)
	}
	add := func(name string, data []byte) {
		out.Files = append(out.Files, txtar.File{Name: name, Data: data})
	}
	resp, err := sender.Send(t.Context(), call)
	if p.asked != nil {
		add("sent "+p.asked.URL.RequestURI(), indented(t, p.body))
	}
	if err != nil {
		f := llm.AsFault(err)
		add("refused", fmt.Appendf(nil, "%s %s\n%s\n", f.Code, f.Param, f.Message))
		return txtar.Format(out)
	}
	defer resp.Body.Close()
	if len(resp.Dropped) > 0 {
		add("dropped", []byte(strings.Join(resp.Dropped, ",")+"\n"))
	}
	if answer == nil {
		return txtar.Format(out)
	}
	var body bytes.Buffer
	_, err = body.ReadFrom(resp.Body)
	got := body.Bytes()
	if !resp.Stream {
		got = indented(t, got)
	}
	add(fmt.Sprintf("got %d", resp.Status), got)
	if err != nil {
		add("broken", []byte(llm.AsFault(err).Message+"\n"))
	}
	o := resp.Outcome(err != nil)
	metered := fmt.Sprintf("usage %+v %s\nfinish %q\n", o.Usage, o.Source, o.FinishReasons)
	if o.Err != nil {
		metered += fmt.Sprintf("error %+v\n", *o.Err)
	}
	add("metered", []byte(metered))
	return txtar.Format(out)
}

func indented(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := json.Indent(&out, bytes.TrimSpace(b), "", "  "); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, b)
	}
	out.WriteByte('\n')
	return out.Bytes()
}
