package api

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/rag"
)

// ragQuery is a question to a pipeline.
type ragQuery struct {
	Question string              `json:"question"`
	Labels   map[string][]string `json:"labels,omitempty"`  // only chunks that have, for every name, one of the values
	Project  string              `json:"project,omitempty"` // on whose account, and whose documents are searched; default unless given
	Answer   *bool               `json:"answer,omitempty"`  // false: find passages and ask no model for an answer
	Explain  bool                `json:"explain,omitempty"` // the way of every chunk through the stages
	Lists    []string            `json:"lists,omitempty"`   // dense, sparse; both unless given
	Exact    bool                `json:"exact,omitempty"`   // compare with every point
	TopK     int                 `json:"top_k,omitempty"`   // chunks of each list; as the pipeline's settings say unless given
	// Bare finds passages and asks no model but the one that embeds: no rewriting, no reranking, no answer.
	Bare bool `json:"bare,omitempty"`
	// Collection is one of the pipeline's to search, to try it before a swap; the one that answers unless given.
	Collection string `json:"collection,omitempty"`
}

// ragAnswer is what became of a question.
type ragAnswer struct {
	ID           string         `json:"id"`
	TraceID      string         `json:"trace_id"`
	Pipeline     string         `json:"pipeline"`
	Collection   string         `json:"collection"`
	Searched     string         `json:"searched"` // the question as it was searched with
	Answer       string         `json:"answer"`
	NotInSources bool           `json:"not_in_sources"`
	Citations    []rag.Citation `json:"citations"`
	Contexts     []string       `json:"contexts"` // the passages that the model was given, or would be
	Stages       []rag.Stage    `json:"stages"`
	RetrievalMS  float64        `json:"retrieval_ms"`
	TotalMS      float64        `json:"total_ms"`
	CostUSD      *price.USD     `json:"cost_usd"`         // of everything that was asked for it; null when that is not known
	Chunks       []ragSeen      `json:"chunks,omitempty"` // when asked for, as Passages
	Passages     []rag.Passage  `json:"passages,omitempty"`
}

// ragSeen is a chunk that a search found, with its way.
type ragSeen struct {
	rag.AskedChunk
	Title    string   `json:"title"`
	Headings []string `json:"headings"`
	Text     string   `json:"text"` // its beginning; empty when the chunk is not there any more
}

func seen(c rag.AskedChunk, of *rag.Chunk) ragSeen {
	return ragSeen{c, of.Title, list(of.Headings), strings.ToValidUTF8(of.Text[:min(shownChunk, len(of.Text))], "")}
}

// ragAskedDetail is a question that was asked, with its chunks as they are now.
type ragAskedDetail struct {
	rag.Asked
	Chunks []ragSeen `json:"chunks"`
	// Passages are those chunks that a model was given, in the order of the pipeline's present settings.
	Passages []rag.Passage `json:"passages"`
	// Cited is what the answer rests on, found anew in what the answering model wrote, where that is kept and its passages are still
	// there. The call of a client's question has its own.
	Cited []rag.Citation `json:"cited"`
}

type ragQueries struct {
	Queries []rag.Asked `json:"queries"`
	Next    string      `json:"next"`
}

var askedKinds = []string{string(rag.AskedEmpty), string(rag.AskedSlow), string(rag.AskedNotFound), string(rag.AskedUnverified)}

const shownChunk = 600 // bytes of a chunk's text

func (a *API) queryRAG(w http.ResponseWriter, r *http.Request) error {
	p, _, err := a.pipeline(r)
	if err != nil {
		return err
	}
	var in ragQuery
	if err := read(r, &in); err != nil {
		return err
	}
	q := rag.Question{Text: strings.TrimSpace(in.Question), Labels: in.Labels, Exact: in.Exact, TopK: in.TopK, Bare: in.Bare}
	if q.Text == "" {
		return bad("question", "the question is empty")
	}
	for _, l := range in.Lists {
		if s := rag.Step(l); s != rag.StepDense && s != rag.StepSparse {
			return bad("lists", "%q is none of dense, sparse", clip(l))
		}
		q.Lists = append(q.Lists, rag.Step(l))
	}
	if in.Collection != "" && !owns(p, in.Collection) {
		return bad("collection", "%s is no collection of this pipeline", clip(in.Collection))
	}
	q.Collection = in.Collection
	got, err := p.Ask(r.Context(), a.accountOf(r, cmp.Or(in.Project, "default")), q, !in.Bare && (in.Answer == nil || *in.Answer))
	if err != nil {
		return err
	}
	out := ragAnswer{
		ID: got.ID, TraceID: got.TraceID, Pipeline: got.Pipeline, Collection: got.Collection, Searched: got.Searched, Answer: got.Answer,
		NotInSources: got.NotInSources, Citations: list(got.Citations), Contexts: list(got.Contexts), Stages: list(got.Stages), RetrievalMS: got.RetrievalMS, TotalMS: got.TotalMS,
	}
	if got.CostKnown {
		out.CostUSD = &got.Cost
	}
	if in.Explain {
		for _, c := range got.Chunks {
			held := got.Found[c.ID]
			out.Chunks = append(out.Chunks, seen(c, &held))
		}
		out.Passages = got.Passages
	}
	return answer(w, http.StatusOK, out)
}

func (a *API) listRAGQueries(w http.ResponseWriter, r *http.Request) error {
	_, name, err := a.pipeline(r)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	limit, err := readLimit(q, 50)
	if err != nil {
		return err
	}
	f, err := readAskedFilter(q)
	if err != nil {
		return err
	}
	f.Pipeline = name
	after, err := readAskedKey(q.Get("cursor"))
	if err != nil {
		return err
	}
	asked, err := a.cfg.RAGLog.List(r.Context(), f, after, limit+1)
	if err != nil {
		return ragFault(fmt.Errorf("list questions: %w", err))
	}
	out := ragQueries{Queries: list(asked)}
	if len(asked) > limit {
		out.Queries = asked[:limit]
		out.Next = askedCursor(asked[limit-1])
	}
	for i := range out.Queries {
		out.Queries[i].Chunks = []rag.AskedChunk{}
	}
	return answer(w, http.StatusOK, out)
}

func readAskedFilter(q url.Values) (f rag.AskedFilter, err error) {
	f = rag.AskedFilter{Project: q.Get("project"), TraceID: q.Get("trace"), CallID: q.Get("call"), Only: rag.AskedKind(q.Get("only"))}
	if f.Only != "" && !slices.Contains(askedKinds, string(f.Only)) {
		return f, bad("only", "only=%q is unknown: want %s", clip(string(f.Only)), strings.Join(askedKinds, ", "))
	}
	if text := q.Get("slow_ms"); text != "" {
		if f.SlowMS, err = strconv.ParseFloat(text, 64); err != nil || !(f.SlowMS > 0) {
			return f, bad("slow_ms", "slow_ms=%q is no number of milliseconds above zero", clip(text))
		}
	}
	if f.Only == rag.AskedSlow && f.SlowMS == 0 {
		return f, bad("slow_ms", "say from how many milliseconds on a question is slow")
	}
	f.Since, f.Until, err = readSpan(q, time.Now(), time.UTC)
	return f, err
}

func askedCursor(last rag.Asked) string {
	b, _ := json.Marshal(rag.AskedKey{Time: last.Time, ID: last.ID}) // a time and a text cannot fail
	return base64.RawURLEncoding.EncodeToString(b)
}

func readAskedKey(cursor string) (*rag.AskedKey, error) {
	if cursor == "" {
		return nil, nil //nolint:nilnil // the first page has no place before it
	}
	var k rag.AskedKey
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(b, &k)
	}
	if err != nil || k.ID == "" {
		return nil, bad("cursor", "the cursor is not one of this list: use the next of the page before")
	}
	return &k, nil
}

func (a *API) getRAGQuery(w http.ResponseWriter, r *http.Request) error {
	p, name, err := a.pipeline(r)
	if err != nil {
		return err
	}
	asked, err := a.cfg.RAGLog.Get(r.Context(), r.PathValue("id"))
	if err == nil && asked.Pipeline != name {
		err = rag.ErrNotAsked
	}
	if err != nil {
		return ragFault(fmt.Errorf("read question: %w", err))
	}
	out := ragAskedDetail{Asked: asked, Chunks: make([]ragSeen, len(asked.Chunks))}
	texts := a.chunksOf(r.Context(), p, &asked)
	for i, c := range asked.Chunks {
		held := texts[c.ID]
		out.Chunks[i] = seen(c, &held)
	}
	given := packed(asked.Chunks, texts)
	out.Passages = rag.PassagesOf(given, p.Settings())
	out.Cited = list(a.cited(r.Context(), p, &asked, given))
	return answer(w, http.StatusOK, out)
}

// cited finds the citations of an answer that no client's call has: of one that was asked for in the API.
func (a *API) cited(ctx context.Context, p *rag.Pipeline, asked *rag.Asked, given []rag.Chunk) []rag.Citation {
	if asked.Citations == 0 || slices.ContainsFunc(given, func(c rag.Chunk) bool { return c.Text == "" }) {
		return nil
	}
	rec, err := a.cfg.Reader.Call(ctx, asked.CallID)
	if err != nil { // not kept, or not there yet: the answer is not shown either
		return nil
	}
	c := &rec.Call
	if strings.HasPrefix(c.Model, rag.ModelPrefix) {
		return nil
	}
	dialect := llm.OpenAI // as the pipeline asks
	said := llm.Assemble(c.Endpoint, dialect, c.Stream, rec.Body.Response)
	if len(said.Texts) == 0 {
		return nil
	}
	return rag.CitationsOf(said.Texts[0], given, p.Settings())
}

// packed gives the chunks that a model was given, best first. One that is not there any more has its id and its document.
func packed(chunks []rag.AskedChunk, held map[string]rag.Chunk) []rag.Chunk {
	given := slices.DeleteFunc(slices.Clone(chunks), func(c rag.AskedChunk) bool { return !c.Packed })
	slices.SortStableFunc(given, func(a, b rag.AskedChunk) int {
		return cmp.Compare(a.Places[rag.StepPack].Rank, b.Places[rag.StepPack].Rank)
	})
	out := make([]rag.Chunk, len(given))
	for i, c := range given {
		out[i] = held[c.ID]
		out[i].ID, out[i].Document = c.ID, c.Document
	}
	return out
}

// chunksOf are the chunks that a question found, by id: those that its collection still has.
func (a *API) chunksOf(ctx context.Context, p *rag.Pipeline, asked *rag.Asked) map[string]rag.Chunk {
	if len(asked.Chunks) == 0 {
		return nil
	}
	ids := make([]string, len(asked.Chunks))
	for i, c := range asked.Chunks {
		ids[i] = c.ID
	}
	chunks, err := p.Index().Get(ctx, asked.Collection, ids)
	if err != nil && !errors.Is(err, rag.ErrNoCollection) { // the way is told without the texts
		a.cfg.Log.Warn("texts of a question's chunks not read", "collection", asked.Collection, "error", err)
	}
	out := make(map[string]rag.Chunk, len(chunks))
	for _, c := range chunks {
		out[c.ID] = c
	}
	return out
}
