package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jedib0t/go-pretty/v6/progress"
	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/rag"
)

// batchAPI answers a batch of documents each time it is asked: as a number says, the last one for good.
type batchAPI struct {
	status []int
	asked  int
	onAsk  func()
}

func (a *batchAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status := a.status[min(a.asked, len(a.status)-1)]
	a.asked++
	_, _ = io.Copy(io.Discard, r.Body)
	if a.onAsk != nil {
		a.onAsk()
	}
	w.WriteHeader(status)
	if status != http.StatusOK {
		_, _ = io.WriteString(w, `{"error":{"message":"it is away","code":"weir_upstream_unavailable"}}`)
		return
	}
	_, _ = io.WriteString(w, `{"documents":1,"chunks":2,"new":2,"embedded":2,"saved_usd":"0.5","errors":[]}`)
}

// TestIndexBadBatches: what a weir answers to a batch of documents, and what the command makes of it. A document is a batch here.
func TestIndexBadBatches(t *testing.T) {
	four := make([]rag.Document, 4)
	for i, id := range []string{"a", "b", "c", "d"} {
		four[i] = rag.Document{ID: id, Kind: rag.Text, Text: strings.Repeat("x", ragBatchBytes)}
	}
	for name, c := range map[string]struct {
		status []int
		cancel bool
		asked  int
		errs   []rag.IndexFailed
		say    string
		no     bool
		tells  bool // a summary
	}{
		"all well":             {status: []int{200}, asked: 4, tells: true, errs: []rag.IndexFailed{}},
		"one fails":            {status: []int{200, 502, 200}, asked: 4, tells: true, no: true, say: "1 document could not be indexed", errs: []rag.IndexFailed{{Document: "b", Error: "it is away"}}},
		"the store is away":    {status: []int{503}, asked: 3, tells: true, no: true, say: "the same command goes on", errs: []rag.IndexFailed{{Document: "a", Error: "it is away"}, {Document: "b", Error: "it is away"}, {Document: "c", Error: "it is away"}}},
		"another splitter":     {status: []int{409}, asked: 1, tells: true, no: true, say: "stopped", errs: []rag.IndexFailed{{Document: "a", Error: "it is away"}}},
		"no such pipeline":     {status: []int{404}, asked: 1, say: "it is away"},
		"refused half-way":     {status: []int{200, 401}, asked: 2, tells: true, say: "the same command goes on", errs: []rag.IndexFailed{}},
		"Ctrl-C in the middle": {status: []int{200}, cancel: true, asked: 2, tells: true, say: "interrupted", errs: []rag.IndexFailed{}},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			api := &batchAPI{status: c.status}
			api.onAsk = func() {
				if c.cancel && api.asked == 2 {
					cancel()
				}
			}
			srv := httptest.NewServer(api)
			defer srv.Close()
			at, err := url.Parse(srv.URL)
			if err != nil {
				t.Fatal(err)
			}
			x := &ragIndexing{
				name: "p", c: &client{base: at, http: srv.Client(), timeout: time.Minute}, tracker: &progress.Tracker{}, done: func() int64 { return 0 },
			}
			cmd := &cobra.Command{}
			cmd.SetContext(ctx)
			cmd.Flags().Bool("json", true, "")
			var out bytes.Buffer
			cmd.SetOut(&out)
			err = x.tell(cmd, x.run(ctx, docsOf(four)))
			if (err == nil) != (c.say == "") || err != nil && (!strings.Contains(err.Error(), c.say) || errors.Is(err, errNo) != c.no) {
				t.Errorf("it says %v, want %q, a no: %v", err, c.say, c.no)
			}
			if api.asked != c.asked {
				t.Errorf("the weir was asked %d times, want %d", api.asked, c.asked)
			}
			if (out.Len() > 0) != c.tells {
				t.Fatalf("a summary: %q", out.String())
			}
			if !c.tells {
				return
			}
			var sum rag.Summary
			if err := json.Unmarshal(out.Bytes(), &sum); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(sum.Errors, c.errs); diff != "" {
				t.Errorf("errors (-got +want):\n%s", diff)
			}
		})
	}
}

func docsOf(docs []rag.Document) iter.Seq2[rag.Document, error] {
	return func(yield func(rag.Document, error) bool) {
		for _, d := range docs {
			if !yield(d, nil) {
				return
			}
		}
	}
}

// TestIndexLongLine: a document that is too long in JSON is an error, and those beside it are sent.
func TestIndexLongLine(t *testing.T) {
	api := &batchAPI{status: []int{http.StatusOK}}
	srv := httptest.NewServer(api)
	defer srv.Close()
	at, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	x := &ragIndexing{name: "p", c: &client{base: at, http: srv.Client(), timeout: time.Minute}, tracker: &progress.Tracker{}, done: func() int64 { return 0 }}
	err = x.run(t.Context(), docsOf([]rag.Document{{ID: "a", Text: "a"}, {ID: "quotes", Text: strings.Repeat(`"`, ragLongest)}, {ID: "tags", Text: strings.Repeat("<", ragLongest)}, {ID: "z", Text: "z"}}))
	if err != nil || api.asked != 3 || len(x.sum.Errors) != 1 || x.sum.Errors[0].Document != "quotes" || !strings.Contains(x.sum.Errors[0].Error, "as JSON it has 60 MB") {
		t.Errorf("asked %d times, %v, errors %v", api.asked, err, x.sum.Errors)
	}
}
