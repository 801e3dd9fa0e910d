package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/rag"
	"github.com/weir-dev/weir/rag/bm25"
	"github.com/weir-dev/weir/rag/hashing"
	"github.com/weir-dev/weir/rag/ragtest"
	"github.com/weir-dev/weir/rag/split"
	"github.com/weir-dev/weir/trace"
)

// ragShelf is a pipeline over an index in memory, whose model always says the same.
type ragShelf struct {
	t         *testing.T
	index     ragtest.Memory
	pipelines rag.Pipelines
	splitter  *split.Splitter
	target    string
	log       ragtest.MemoryLog
	settings  rag.Settings
	says      string
	sent      int       // calls of models
	mine      *llm.Call // of the last documents
}

var shelfEmbedder = hashing.New(64)

func newShelf(t *testing.T, w *world) *ragShelf {
	t.Helper()
	s := &ragShelf{t: t, target: "handbook-0000000a", says: "Thirty days [1].\n<quotes>\n[1] \"thirty days\"\n</quotes>"}
	var err error
	if s.splitter, err = split.New(split.Config{}); err != nil {
		t.Fatal(err)
	}
	s.settings = rag.Settings{Name: "handbook", Model: "m", OwnTenant: true}
	s.open()
	w.api.cfg.RAG, w.api.cfg.RAGLog = s, &s.log
	return s
}

// open makes the pipeline of its settings.
func (s *ragShelf) open() {
	s.pipelines = rag.Pipelines{"handbook": rag.New(rag.Config{
		Settings: s.settings, Index: &s.index, Alias: "handbook", Terms: bm25.Query,
		Embedder: func(llm.Sender, *llm.Call, rag.Shape) (rag.Embedder, error) { return shelfEmbedder, nil },
		Top:      llm.SenderFunc(s.send),
		Answered: func(_ *llm.Call, a rag.Asked) {
			if err := s.log.Write(s.t.Context(), []rag.Asked{a}); err != nil {
				s.t.Error(err)
			}
		},
	})}
}

func (s *ragShelf) send(_ context.Context, call *llm.Call) (*llm.Response, error) {
	s.sent++
	text, err := json.Marshal(s.says)
	if err != nil {
		return nil, err
	}
	body := `{"choices":[{"index":0,"message":{"role":"assistant","content":` + string(text) + `},"finish_reason":"stop"}]}`
	return &llm.Response{Status: http.StatusOK, Dialect: llm.OpenAI, Header: http.Header{}, Model: call.Model, Body: io.NopCloser(strings.NewReader(body))}, nil
}

func (s *ragShelf) Pipelines() rag.Pipelines { return s.pipelines }

func (s *ragShelf) Made(string) RAGMade {
	return RAGMade{Index: "clickhouse", Embedding: shelfEmbedder.Model(), Splitter: s.splitter.Version(), Collection: s.target}
}

func (s *ragShelf) Put(ctx context.Context, _ string, on *llm.Call, docs iter.Seq2[rag.Document, error]) (rag.Summary, error) {
	s.mine = on
	x := rag.Indexer{Index: &s.index, Embedder: shelfEmbedder, Splitter: s.splitter, Words: bm25.BM25{}, Collection: s.target}
	sum, err := x.Run(ctx, docs)
	if aliases, _ := s.index.Aliases(ctx); err == nil && aliases["handbook"] == "" {
		err = s.index.Point(ctx, "handbook", s.target)
	}
	return sum, err
}

const ragLines = `{"id":"leave.md","title":"Leave","kind":"markdown","text":"# Leave\n\nEvery employee has thirty days of paid leave.","labels":{"year":"2026"}}

{"id":"travel.md","text":"Trains are paid for."}
{"id":"odd.md","kind":"film","text":"x"}
{"id":"theirs.md","text":"The leave of another project is secret.","tenant":"theirs"}
nonsense
`

func (s *ragShelf) put(w *world, lines string) (out struct {
	Documents, New, Removed int64
	Errors                  []rag.IndexFailed
},
) {
	s.t.Helper()
	rec := w.ask("POST", "/rag/handbook/documents?project=p1", lines, header("Content-Type", "application/x-ndjson"))
	if rec.Code != http.StatusOK {
		s.t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &out); err != nil {
		s.t.Fatal(err)
	}
	return out
}

func TestRAG(t *testing.T) {
	w := newWorld(t)
	s := newShelf(t, w)
	var before ragDetail
	w.get("/rag/handbook", &before)
	if before.Collection != "" || before.Points != 0 || before.Error != "" {
		t.Errorf("before anything: %+v", before)
	}
	w.refused(w.ask("POST", "/rag/handbook/query", `{"question":"leave?"}`), 404, llm.NotFound, "weir rag index handbook")
	got := s.put(w, ragLines)
	if got.Documents != 3 || got.New != 3 || len(got.Errors) != 2 || s.mine.Project != "p1" {
		t.Errorf("indexed %+v on the account of %q", got, s.mine.Project)
	}
	if again := s.put(w, ragLines); again.New != 0 {
		t.Errorf("again: %+v", again)
	}
	// A line that is too long is an error with its number, and those after it are read.
	got = s.put(w, `{"id":"long.md","text":"`+strings.Repeat("x", maxRAGLine)+"\"}\n\nnonsense\n"+`{"id":"travel.md","text":"Trains are paid for."}`)
	if got.Documents != 1 || len(got.Errors) != 2 || got.Errors[0].Document != "line 1" || !strings.Contains(got.Errors[0].Error, "it has 32 MB, and at most 32 are taken") || got.Errors[1].Document != "line 3" {
		t.Errorf("with a line that is too long: %+v", got)
	}

	var list ragList
	w.get("/rag", &list)
	if p := list.Pipelines[0]; p.Points != 3 || p.Documents != 3 || p.Collection != s.target || p.HitRate != nil {
		t.Errorf("listed %+v", p)
	}
	var docs ragDocuments
	w.get("/rag/handbook/documents?limit=2", &docs)
	if len(docs.Documents) != 2 || docs.Next == "" || docs.Documents[0].ID != "leave.md" || docs.Documents[0].Title != "Leave" {
		t.Errorf("documents %+v", docs)
	}
	w.get("/rag/handbook/documents?limit=2&cursor="+docs.Next, &docs)
	if len(docs.Documents) != 1 || docs.Next != "" || docs.Documents[0].Tenant != "" {
		t.Errorf("the second page %+v", docs)
	}
	var chunks ragChunks
	w.get("/rag/handbook/chunks?document=leave.md", &chunks)
	if len(chunks.Chunks) != 1 || !strings.Contains(chunks.Chunks[0].Text, "thirty days") || chunks.Chunks[0].Labels["year"] != "2026" {
		t.Errorf("chunks %+v", chunks)
	}
	w.refused(w.ask("GET", "/rag/handbook/chunks", ""), 400, llm.InvalidRequest, "document")
	w.refused(w.ask("GET", "/rag/handbook/documents?collection=elsewhere", ""), 400, llm.InvalidRequest, "no collection of this pipeline")
	w.refused(w.ask("GET", "/rag/handbook/documents?cursor=%21", ""), 400, llm.InvalidRequest, "cursor")
	w.refused(w.ask("GET", "/rag/nothing", ""), 404, llm.NotFound, "weir.yaml")
	w.refused(w.ask("POST", "/rag/handbook/documents", "{}"), 400, llm.InvalidRequest, "application/x-ndjson")
}

func TestRAGQuery(t *testing.T) {
	w := newWorld(t)
	s := newShelf(t, w)
	s.put(w, ragLines)
	ask := func(body string) (out ragAnswer) {
		t.Helper()
		rec := w.ask("POST", "/rag/handbook/query", body)
		if err := json.Unmarshal(rec.Body.Bytes(), &out); err != nil || rec.Code != http.StatusOK {
			t.Fatalf("%d %s: %v", rec.Code, rec.Body, err)
		}
		return out
	}
	got := ask(`{"question":"How many days of paid leave?","explain":true}`)
	if got.Answer != "Thirty days [1]." || len(got.Citations) != 1 || !got.Citations[0].Verified || got.Citations[0].Document != "leave.md" {
		t.Errorf("answered %+v", got)
	}
	if len(got.Chunks) != 2 || !got.Chunks[0].Cited || !strings.Contains(got.Chunks[0].Text, "thirty days") {
		t.Errorf("chunks %+v; another project's must not be there", got.Chunks)
	}
	if theirs := ask(`{"question":"secret leave","project":"theirs","answer":false}`); theirs.Answer != "" || len(theirs.Contexts) != 3 {
		t.Errorf("without an answer %+v", theirs)
	}
	if dense := ask(`{"question":"leave","lists":["dense"],"answer":false,"explain":true,"exact":true,"labels":{"year":["2026"]}}`); len(dense.Chunks) != 1 || dense.Chunks[0].Places["sparse"].Rank != 0 {
		t.Errorf("dense alone %+v", dense)
	}
	s.says = rag.NotInSources
	if none := ask(`{"question":"days?"}`); !none.NotInSources || len(none.Citations) != 0 {
		t.Errorf("not in the sources: %+v", none)
	}
	w.refused(w.ask("POST", "/rag/handbook/query", `{"question":" "}`), 400, llm.InvalidRequest, "empty")
	w.refused(w.ask("POST", "/rag/handbook/query", `{"question":"x","lists":["fused"]}`), 400, llm.InvalidRequest, "dense, sparse")

	var all ragQueries
	w.get("/rag/handbook/queries?limit=3", &all)
	if len(all.Queries) != 3 || all.Next == "" || !all.Queries[0].NotInSources {
		t.Errorf("questions %+v", all)
	}
	w.get("/rag/handbook/queries?limit=3&cursor="+all.Next, &all)
	if len(all.Queries) != 1 || all.Next != "" {
		t.Errorf("the second page %+v", all)
	}
	w.get("/rag/handbook/queries?only=not_in_sources&since=1h", &all)
	if len(all.Queries) != 1 {
		t.Errorf("not in the sources: %+v", all)
	}
	// The answering model's call has what the model wrote, and no citations: they are found anew.
	wrote, err := json.Marshal("Thirty days [1].\n<quotes>\n[1] \"thirty days\"\n</quotes>")
	if err != nil {
		t.Fatal(err)
	}
	var one ragAskedDetail
	w.get("/rag/handbook/queries/"+got.ID, &one)
	inner := trace.Record{
		Call: trace.Span{ID: one.CallID, TraceID: one.TraceID, Start: time.Now(), Kind: trace.KindCall, Project: "p1", Endpoint: llm.ChatCompletions, Model: "gpt-4o-mini", Status: trace.StatusOK},
		Body: trace.Body{Response: []byte(`{"choices":[{"index":0,"message":{"role":"assistant","content":` + string(wrote) + `}}]}`)},
	}
	if err := w.store.Write(t.Context(), trace.Batch{Token: "inner", Records: trace.Slice{inner}}); err != nil {
		t.Fatal(err)
	}
	w.get("/rag/handbook/queries/"+got.ID, &one)
	if one.Question != "How many days of paid leave?" || len(one.Chunks) != 2 {
		t.Errorf("one %+v", one)
	}
	if diff := cmp.Diff(one.Cited, got.Citations); diff != "" {
		t.Errorf("cited, of a question that is opened again (-got +want):\n%s", diff)
	}
	w.refused(w.ask("GET", "/rag/handbook/queries/none", ""), 404, llm.NotFound, "no question")
	w.refused(w.ask("GET", "/rag/handbook/queries?only=slow", ""), 400, llm.InvalidRequest, "milliseconds")
	w.refused(w.ask("GET", "/rag/handbook/queries?cursor=x", ""), 400, llm.InvalidRequest, "cursor")
	var list ragList
	w.get("/rag", &list)
	if p := list.Pipelines[0]; p.Questions != 4 || p.HitRate == nil || *p.HitRate != 1 {
		t.Errorf("listed %+v", p)
	}
}

func TestRAGSwap(t *testing.T) {
	w := newWorld(t)
	s := newShelf(t, w)
	s.put(w, ragLines)
	first := s.target
	s.target = "handbook-0000000b"
	swap := func(path, body string) (out ragSwapped) {
		t.Helper()
		rec := w.ask("POST", "/rag/handbook/"+path, body)
		if err := json.Unmarshal(rec.Body.Bytes(), &out); err != nil || rec.Code != http.StatusOK {
			t.Fatalf("%d %s: %v", rec.Code, rec.Body, err)
		}
		return out
	}
	w.refused(w.ask("POST", "/rag/handbook/swap", `{}`), 404, llm.NotFound, "nothing has been indexed", "weir rag index handbook")
	s.put(w, `{"id":"leave.md","text":"Leave is thirty days."}`)
	w.refused(w.ask("POST", "/rag/handbook/swap", `{}`), 409, llm.Conflict, "has 1 points", "force")
	w.refused(w.ask("POST", "/rag/handbook/rollback", ""), 409, llm.Conflict, "none answered before")
	w.refused(w.ask("POST", "/rag/handbook/swap", `{"to":"other"}`), 400, llm.InvalidRequest, "no collection of the pipeline")
	if got := swap("swap", `{"force":true}`); got.Collection != s.target || got.Previous != first || !got.Moved {
		t.Errorf("swapped %+v", got)
	}
	if got := swap("swap", `{}`); got.Moved {
		t.Errorf("again %+v", got)
	}
	var d ragDetail
	w.get("/rag/handbook", &d)
	if d.Points != 1 || d.Previous != first || len(d.Collections) != 2 || d.Collections[0].Role != "previous" || d.Collections[1].Role != "answers" {
		t.Errorf("detail %+v", d)
	}
	if got := swap("rollback", ""); got.Collection != first || got.Previous != s.target || got.Points != 3 {
		t.Errorf("rolled back %+v", got)
	}
	w.refused(w.ask("DELETE", "/rag/handbook?collection="+first, ""), 409, llm.Conflict, "answers")
	var gone ragDropped
	drop := func(query string) {
		t.Helper()
		rec := w.ask("DELETE", "/rag/handbook"+query, "")
		if err := json.Unmarshal(rec.Body.Bytes(), &gone); err != nil || rec.Code != http.StatusOK {
			t.Fatalf("%d %s: %v", rec.Code, rec.Body, err)
		}
	}
	if drop("?collection=" + s.target); !slices.Equal(gone.Collections, []string{s.target}) {
		t.Errorf("removed %v", gone.Collections)
	}
	rec := w.ask("POST", "/rag/handbook/prune", `{"documents":["leave.md"]}`)
	if rec.Code != 404 { // the target is the one that is gone
		t.Errorf("pruned what is not there: %d %s", rec.Code, rec.Body)
	}
	s.target = first
	if rec := w.ask("POST", "/rag/handbook/prune", `{"documents":["leave.md"]}`); rec.Code != 200 || !strings.Contains(rec.Body.String(), `"removed":2`) {
		t.Errorf("pruned: %d %s", rec.Code, rec.Body)
	}
	w.refused(w.ask("POST", "/rag/handbook/prune", `{"documents":[]}`), 400, llm.InvalidRequest, "no document would stay")
	if drop(""); !slices.Equal(gone.Collections, []string{first}) {
		t.Errorf("removed %v", gone.Collections)
	}
	if all, err := s.index.Aliases(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("aliases %v, %v", all, err)
	}
}

func TestRAGAway(t *testing.T) {
	w := newWorld(t)
	s := newShelf(t, w)
	s.put(w, ragLines)
	s.index.Fail(fmt.Errorf("dial: %w", rag.ErrAway))
	var list ragList
	w.get("/rag", &list)
	if !strings.Contains(list.Pipelines[0].Error, "cannot be reached") {
		t.Errorf("listed %+v", list.Pipelines[0])
	}
	w.refused(w.ask("GET", "/rag/handbook/documents", ""), 503, llm.RecordUnavailable, "vector store")
	s.pipelines["handbook"].Moved()
	w.refused(w.ask("POST", "/rag/handbook/query", `{"question":"leave?"}`), 502, llm.UpstreamUnavailable, "vector store")
}
