package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/internal/simulator"
	"github.com/weir-dev/weir/rag"
)

// gated is a provider whose embedding model can be stopped in the middle.
type gated struct {
	*httptest.Server
	calls atomic.Int64 // to the embedding model

	mu      sync.Mutex // guards the rest
	left    int        // calls that are let through while it is shut
	waiting int        // calls that stand before it
	open    chan struct{}
}

func startGated(t *testing.T) *gated {
	t.Helper()
	g, sim := &gated{open: make(chan struct{})}, simulator.New(simulator.Config{Seed: 5})
	close(g.open)
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/embeddings") {
			g.calls.Add(1)
			body, err := io.ReadAll(r.Body) // until then nobody notices that the client has gone
			if err != nil {
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			if !g.pass(r) {
				return
			}
		}
		sim.ServeHTTP(w, r)
	}))
	t.Cleanup(g.Close)
	return g
}

// pass waits while the gate is shut, and says false when the client has gone in the meantime.
func (g *gated) pass(r *http.Request) bool {
	g.mu.Lock()
	open := g.open
	if g.left > 0 {
		g.left--
		g.mu.Unlock()
		return true
	}
	g.waiting++
	g.mu.Unlock()
	defer func() {
		g.mu.Lock()
		g.waiting--
		g.mu.Unlock()
	}()
	select {
	case <-open:
		return true
	case <-r.Context().Done():
		return false
	}
}

// shut lets so many calls through and holds those after, until the function it gives is called.
func (g *gated) shut(calls int) (reopen func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	open := make(chan struct{})
	g.left, g.open = calls, open
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.left = 0
		close(open)
	}
}

func (g *gated) held() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.waiting
}

// indexedWeir is a weir process with documents to index.
type indexedWeir struct {
	*service
	t        *testing.T
	p        *process
	api      *client
	provider *gated
	dir      string // of all that follows
	docs     string // the project's own pages
	book     string
	files    map[string]string // the documents' texts by id
}

// The pipelines: handbook answers, and the others have documents indexed by a model that costs money, in calm and in storms.
const processPipelines = `providers: [{name: openai, kind: openai, base_url: %q, api_key: x}]
rag:
  - {name: handbook, embedding: {model: hashing}, model: gpt-4o-mini, splitter: %s}
  - {name: calm, embedding: {model: text-embedding-3-small, dimensions: 32}, model: gpt-4o-mini}
  - {name: killed, embedding: {model: text-embedding-3-small, dimensions: 32}, model: gpt-4o-mini}
  - {name: died, embedding: {model: text-embedding-3-small, dimensions: 32}, model: gpt-4o-mini}
`

// start runs the weir with handbook's splitter.
func (w *indexedWeir) start(splitter string) {
	w.t.Helper()
	config := filepath.Join(w.dir, "weir.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, processPipelines, w.provider.URL+"/v1", splitter), 0o600); err != nil {
		w.t.Fatal(err)
	}
	p, key := startProcess(w.t, w.dir, config)
	token, err := os.ReadFile(filepath.Join(w.dir, "data", adminTokenFile))
	if err != nil {
		w.t.Fatal(err)
	}
	if w.firstKey.IsZero() { // the secret is shown once
		w.firstKey = account.NewSecret(key)
	}
	w.p, w.url, w.gateway, w.admin = p, p.url, p.gateway, account.NewSecret(strings.TrimSpace(string(token)))
	base, err := url.Parse(w.url)
	if err != nil {
		w.t.Fatal(err)
	}
	w.api = &client{base: base, token: w.admin, http: http.DefaultClient, timeout: time.Minute}
}

// command is the command line as a process of its own.
func (w *indexedWeir) command(args ...string) (cmd *exec.Cmd, out, errs *bytes.Buffer) {
	w.t.Helper()
	exe, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	cmd = exec.CommandContext(w.t.Context(), exe)
	cmd.Args = append([]string{"weir"}, args...)
	cmd.Env = append(os.Environ(), "WEIR_URL="+w.url, "WEIR_ADMIN_TOKEN="+w.admin.Reveal())
	out, errs = &bytes.Buffer{}, &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = out, errs
	return cmd, out, errs
}

// does runs a command to its end, which must be a good one.
func (w *indexedWeir) does(args ...string) string {
	w.t.Helper()
	cmd, out, errs := w.command(args...)
	if err := cmd.Run(); err != nil {
		w.t.Fatalf("weir %s: %v\n%s%s", strings.Join(args, " "), err, out, errs)
	}
	return out.String()
}

// index indexes all documents into a pipeline.
func (w *indexedWeir) index(pipeline string) (sum rag.Summary) {
	w.t.Helper()
	out := w.does("rag", "index", pipeline, w.docs, w.book, "--json")
	if err := json.Unmarshal([]byte(out), &sum); err != nil {
		w.t.Fatalf("%v: %s", err, out)
	}
	if len(sum.Errors) > 0 || sum.Documents != int64(len(w.files)) || sum.New+sum.Unchanged != sum.Chunks {
		w.t.Errorf("%s: indexed %+v of %d documents", pipeline, sum, len(w.files))
	}
	return sum
}

// points are the chunks of the collection that a pipeline's documents go to.
func (w *indexedWeir) points(pipeline string) map[string]rag.Chunk {
	w.t.Helper()
	out := map[string]rag.Chunk{}
	into := w.target(pipeline)
	ids := slices.Sorted(maps.Keys(w.files))
	read := make([][]rag.Chunk, len(ids))
	err := each(w.t.Context(), len(ids), 4, func(ctx context.Context, i int) error {
		var got struct{ Chunks []rag.Chunk }
		_, err := w.api.get(ctx, "rag/"+pipeline+"/chunks", url.Values{"collection": {into.Name}, "document": {ids[i]}}, &got)
		read[i] = got.Chunks
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for i, id := range ids {
		for _, c := range read[i] {
			if c.Text != w.files[id][c.Start:c.End] {
				w.t.Errorf("%s: a chunk of %s at %d is not what the document has there", pipeline, id, c.Start)
			}
			out[c.ID] = c
		}
	}
	if len(out) != int(into.Points) {
		w.t.Errorf("%s: the documents have %d points and the collection %d", pipeline, len(out), into.Points)
	}
	return out
}

type processCollection struct {
	Name, Role string
	Points     int64
}

// target is the collection that a pipeline's documents go to; it has no points before it is there.
func (w *indexedWeir) target(pipeline string) processCollection {
	w.t.Helper()
	var got struct {
		Target      string
		Collections []processCollection
	}
	w.get(w.t, "/rag/"+pipeline, &got)
	for _, c := range got.Collections {
		if c.Name == got.Target {
			return c
		}
	}
	return processCollection{Name: got.Target}
}

// found are the scores that a search by meaning and by words gives, each list from the best: a collection's vectors and words
// show in them. Which of two passages with the same score comes last into a list is open.
func (w *indexedWeir) found(pipeline string) map[string][]float64 {
	w.t.Helper()
	var got struct {
		Chunks []struct{ Places map[string]rag.Place }
	}
	w.sendAdmin(w.t, http.MethodPost, "/rag/"+pipeline+"/query",
		`{"question":"Who painted the fence, and what are budgets for?","answer":false,"explain":true,"exact":true,"collection":"`+w.target(pipeline).Name+`"}`, &got)
	out := map[string][]float64{}
	for _, list := range []string{"dense", "sparse"} {
		for _, c := range got.Chunks {
			if p, ok := c.Places[list]; ok {
				out[list] = append(out[list], p.Score)
			}
		}
		slices.Sort(out[list])
		slices.Reverse(out[list])
		if len(out[list]) < 20 {
			w.t.Errorf("%s: a search finds %d chunks in the list %s", pipeline, len(out[list]), list)
		}
	}
	return out
}

// waitUntil waits for what a process is to do.
func waitUntil(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(90 * time.Second); !done(); <-time.After(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after 90 s still not: %s", what)
		}
	}
}

// cut has documents indexed, and calls an end to it when some of them are and no more will be.
func (w *indexedWeir) cut(pipeline string, end func(indexer *exec.Cmd)) (errs string) {
	w.t.Helper()
	// Four groups of documents are worked on at a time, each with two calls for what is written at once: so some of seven are enough.
	reopen := w.provider.shut(7)
	defer reopen()
	cmd, out, said := w.command("rag", "index", pipeline, w.docs, w.book, "--json")
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	waitUntil(w.t, "some points are written, and the embedding model is waited for", func() bool {
		return w.provider.held() > 0 && w.target(pipeline).Points > 0
	})
	end(cmd)
	if err := cmd.Wait(); err == nil {
		w.t.Errorf("the indexer says that all is well: %s", out)
	}
	waitUntil(w.t, "nobody waits for the embedding model any more", func() bool { return w.provider.held() == 0 })
	return said.String()
}

// TestDocumentsByProcesses has the program itself index this project's pages and a book, answer from them, be killed, and move to
// another collection while it is asked.
func TestDocumentsByProcesses(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts processes and kills them")
	}
	needEngine(t)
	w := newIndexedWeir(t)
	w.start("{}")
	defer func() { w.p.stop(t) }()

	first := w.index("handbook")
	if first.New != first.Chunks || first.New < 500 {
		t.Fatalf("indexed %+v", first)
	}
	t.Run("answers", func(t *testing.T) { w.answers(t, false); w.answers(t, true) })
	var calm map[string]rag.Chunk
	t.Run("again", func(t *testing.T) { calm = w.again(t, first) })
	t.Run("one paragraph", func(t *testing.T) { calm = w.paragraph(t, calm) })

	calmFound := w.found("calm")
	resumed := func(t *testing.T, pipeline string) {
		t.Helper()
		before := w.target(pipeline).Points
		if before == 0 || int(before) >= len(calm) {
			t.Errorf("%d points of %d are there", before, len(calm))
		}
		sum := w.index(pipeline)
		if sum.New != int64(len(calm))-before || sum.Unchanged != before || sum.Removed != 0 {
			t.Errorf("with %d points of %d there, indexing comes to %+v", before, len(calm), sum)
		}
		if diff := cmp.Diff(w.points(pipeline), calm); diff != "" {
			t.Errorf("resumed (-got) and undisturbed (+want):\n%s", diff)
		}
		if diff := cmp.Diff(w.found(pipeline), calmFound); diff != "" {
			t.Errorf("found in what was resumed (-got), and in the undisturbed (+want):\n%s", diff)
		}
	}
	t.Run("the indexer is killed", func(t *testing.T) {
		w.cut("killed", func(indexer *exec.Cmd) {
			if err := indexer.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		})
		resumed(t, "killed")
	})
	t.Run("weir is killed", func(t *testing.T) {
		said := w.cut("died", func(*exec.Cmd) { w.p.kill() })
		if !strings.Contains(said, "no weir answers") {
			t.Errorf("the indexer says %q", said)
		}
		w.start("{kind: markdown, tokens: 128}") // of handbook alone
		resumed(t, "died")
	})
	t.Run("swap", w.swap)
}

// newIndexedWeir copies the documents to where they can be edited.
func newIndexedWeir(t *testing.T) *indexedWeir {
	t.Helper()
	dir := t.TempDir()
	w := &indexedWeir{service: &service{}, t: t, provider: startGated(t), dir: dir, docs: filepath.Join(dir, "docs"), book: filepath.Join(dir, "tom-sawyer.txt"), files: map[string]string{}}
	put := func(id, to string, text []byte, err error) {
		if err == nil {
			err = errors.Join(os.MkdirAll(filepath.Dir(to), 0o700), os.WriteFile(to, text, 0o600))
		}
		if err != nil {
			t.Fatal(err)
		}
		w.files[id] = string(text)
	}
	pages := os.DirFS("../../docs")
	err := fs.WalkDir(pages, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(name) != ".md" {
			return err
		}
		text, err := fs.ReadFile(pages, name)
		put(name, filepath.Join(w.docs, filepath.FromSlash(name)), text, err)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	book, err := os.ReadFile("../../rag/testdata/corpus/tom-sawyer.txt")
	put("tom-sawyer.txt", w.book, book, err)
	return w
}

// processAnswer is what a client reads of an answer.
type processAnswer struct {
	text      string
	citations []rag.Citation
	note      rag.Note
}

// ask asks handbook through the gateway, as any client does.
func (w *indexedWeir) ask(question string, stream bool) (out processAnswer, err error) {
	body, err := json.Marshal(map[string]any{"model": "rag/handbook", "stream": stream, "messages": []any{map[string]string{"role": "user", "content": question}}})
	if err != nil {
		return out, err
	}
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.gateway+"/chat/completions", bytes.NewReader(body))
	if err != nil {
		return out, err
	}
	req.Header.Set("Authorization", "Bearer "+w.firstKey.Reveal())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return out, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return out, fmt.Errorf("%d %s %w", resp.StatusCode, raw, err)
	}
	events := []string{string(raw)}
	if stream {
		if !strings.HasSuffix(string(raw), "data: [DONE]\n\n") {
			return out, fmt.Errorf("the stream breaks off: %s", raw)
		}
		events = strings.Split(string(raw), "\n\n")
	}
	for _, event := range events {
		event = strings.TrimPrefix(event, "data: ")
		if event == "" || event == "[DONE]" {
			continue
		}
		var said struct {
			Choices []struct {
				Message, Delta struct {
					Content   string
					Citations []rag.Citation
				}
			}
			Weir *rag.Note
		}
		if err := json.Unmarshal([]byte(event), &said); err != nil {
			return out, fmt.Errorf("%w in %s", err, event)
		}
		for _, c := range said.Choices {
			out.text += c.Message.Content + c.Delta.Content
			out.citations = append(append(out.citations, c.Message.Citations...), c.Delta.Citations...)
		}
		if said.Weir != nil {
			out.note = *said.Weir
		}
	}
	return out, nil
}

// processQuestions have words of what answers them, as hashing needs.
var processQuestions = []string{
	"What did Tom carry when he appeared on the sidewalk with a bucket of whitewash?",
	"Who has a raging desire to dig for hidden treasure?",
	"When do the maintainers of Echo end bug fixes, and when security fixes?",
	"How many random bits are behind the id of a token that reads wm-weir?",
}

// answers asks, and compares what is cited with the files' bytes.
func (w *indexedWeir) answers(t *testing.T, stream bool) {
	t.Helper()
	var ofBook, ofPages int
	var all []processAnswer
	for _, question := range processQuestions {
		got, err := w.ask(question, stream)
		if err != nil {
			t.Fatalf("%q: %v", question, err)
		}
		if got.note.Collection != w.target("handbook").Name || got.text == "" {
			t.Errorf("%q: %+v", question, got)
		}
		for _, c := range got.citations {
			switch {
			case !c.Verified: // the simulated model makes up a quote now and then
			case w.files[c.Document] == "" || c.Start >= c.End || c.End > len(w.files[c.Document]) || w.files[c.Document][c.Start:c.End] != c.Quote:
				t.Errorf("%q: the citation %+v is not what the file has there", question, c)
			case c.Document == "tom-sawyer.txt":
				ofBook++
			default:
				ofPages++
			}
		}
		all = append(all, got)
	}
	if ofBook == 0 || ofPages == 0 {
		t.Errorf("stream %v: %d citations of the book and %d of pages are verified: %+v", stream, ofBook, ofPages, all)
	}
}

// again: the same documents once more make no point and ask for no vector. It gives the points of calm.
func (w *indexedWeir) again(t *testing.T, handbook rag.Summary) map[string]rag.Chunk {
	calm := w.index("calm")
	points := w.points("calm")
	for pipeline, was := range map[string]rag.Summary{"handbook": handbook, "calm": calm} {
		calls, there := w.provider.calls.Load(), w.target(pipeline).Points
		sum := w.index(pipeline)
		if sum.New+sum.Removed+sum.Embedded != 0 || sum.Unchanged != was.Chunks || w.provider.calls.Load() != calls || w.target(pipeline).Points != there {
			t.Errorf("%s: again %+v, with %d calls to the embedding model", pipeline, sum, w.provider.calls.Load()-calls)
		}
		if costs := pipeline == "calm"; sum.SavedUSD == nil || (*sum.SavedUSD > 0) != costs {
			t.Errorf("%s: saved %v", pipeline, sum.SavedUSD)
		}
	}
	return points
}

// paragraph: after an edit of one, its chunks are others, no more than these are embedded, and all others are as they were.
func (w *indexedWeir) paragraph(t *testing.T, before map[string]rag.Chunk) map[string]rag.Chunk {
	const page, old, edited = "tom-sawyer.txt", "with a bucket of whitewash and a", "with a pail of limewash and a"
	text := strings.Replace(w.files[page], old, edited, 1)
	if text == w.files[page] {
		t.Fatalf("%s has no %q", page, old)
	}
	if err := os.WriteFile(w.book, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	w.files[page] = text
	sum := w.index("calm")
	after := w.points("calm")
	fresh := int64(0)
	for id, c := range after {
		switch was, there := before[id]; {
		case !there && !strings.Contains(c.Text, edited):
			t.Errorf("a chunk is new that the edit is not in: %s %d to %d", c.Document, c.Start, c.End)
		case !there:
			fresh++
		case c.Document != page && !cmp.Equal(c, was):
			t.Errorf("a chunk of %s is another:\n%s", c.Document, cmp.Diff(c, was))
		}
	}
	if fresh == 0 || fresh > 2 || sum.New != fresh || sum.Embedded != fresh || sum.Removed != fresh || len(after) != len(before) {
		t.Errorf("after the edit of a paragraph %d chunks are new: %+v", fresh, sum)
	}
	return after
}

// swap moves handbook to the collection of its new splitter, and back, while it is asked.
func (w *indexedWeir) swap(t *testing.T) {
	question := processQuestions[0]
	got, err := w.ask(question, false)
	if err != nil {
		t.Fatal(err)
	}
	old, target := got.note.Collection, w.target("handbook").Name
	if old == target || target == "" {
		t.Fatalf("with another splitter %s answers, and documents go to %s", old, target)
	}
	if sum := w.index("handbook"); sum.New != sum.Chunks {
		t.Errorf("into another collection: %+v", sum)
	}
	var asked, byOld, byNew atomic.Int64
	var failed sync.Map
	stop := make(chan struct{})
	var askers sync.WaitGroup
	for i := range 4 {
		askers.Go(func() {
			for n := i; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				got, err := w.ask(question, n%2 == 0)
				asked.Add(1)
				switch {
				case err != nil:
					failed.Store(err.Error(), true)
				case got.note.Collection == old && got.text != "":
					byOld.Add(1)
				case got.note.Collection == target && got.text != "":
					byNew.Add(1)
				default:
					failed.Store(fmt.Sprintf("answered %+v", got), true)
				}
			}
		})
	}
	more := func(of *atomic.Int64) {
		was := of.Load()
		waitUntil(t, "eight more are answered", func() bool { return of.Load() >= was+8 })
	}
	more(&byOld)
	w.does("rag", "swap", "handbook")
	more(&byNew)
	w.does("rag", "swap", "handbook", "--back")
	more(&byOld)
	close(stop)
	askers.Wait()
	failed.Range(func(what, _ any) bool {
		t.Errorf("a question failed during a swap: %s", what)
		return true
	})
	got, err = w.ask(question, false)
	if err != nil || got.note.Collection != old {
		t.Errorf("rolled back, %s answers, want %s (%v)", got.note.Collection, old, err)
	}
	t.Logf("%d questions during a swap and the way back: %d answered from the old collection, %d from the new one", asked.Load(), byOld.Load(), byNew.Load())
}
