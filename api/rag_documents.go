package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/rag"
)

const (
	maxRAGBody = 64 << 20 // bytes of documents in one request
	maxRAGLine = 32 << 20 // of one of them
)

// ragDocument is a document that is to be indexed.
type ragDocument struct {
	ID     string            `json:"id"`
	Title  string            `json:"title,omitempty"`
	Kind   string            `json:"kind,omitempty"` // text unless given, markdown, code or table
	Text   string            `json:"text"`
	Labels map[string]string `json:"labels,omitempty"`
	Tenant string            `json:"tenant,omitempty"` // the project that may find it; everybody's unless given
}

type ragDocuments struct {
	Collection string        `json:"collection"`
	Documents  []ragHeldInfo `json:"documents"`
	Next       string        `json:"next"`
}

// ragHeldInfo is a document as a collection holds it.
type ragHeldInfo struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Hash   string `json:"hash"` // hex SHA-256 of its text
	Chunks int    `json:"chunks"`
	Bytes  int    `json:"bytes"` // of its text, up to the end of its last chunk
	Tenant string `json:"tenant"`

	Labels  map[string]string `json:"labels"`
	Indexed *time.Time        `json:"indexed_at"` // when a chunk of it was last written; null where the store does not keep that
}

func heldInfo(d *rag.DocumentInfo) ragHeldInfo {
	out := ragHeldInfo{ID: d.ID, Title: d.Title, Hash: d.Hash, Chunks: d.Chunks, Bytes: d.Bytes, Tenant: d.Tenant, Labels: d.Labels}
	if out.Labels == nil {
		out.Labels = map[string]string{}
	}
	if !d.Indexed.IsZero() {
		out.Indexed = &d.Indexed
	}
	return out
}

type ragChunks struct {
	Collection string     `json:"collection"`
	Chunks     []ragChunk `json:"chunks"`
}

// ragChunk is a passage of a document.
type ragChunk struct {
	ID       string   `json:"id"`
	Document string   `json:"document"`
	Title    string   `json:"title"`
	Headings []string `json:"headings"`
	Ordinal  int      `json:"ordinal"`
	Start    int      `json:"start"` // byte offsets in the document
	End      int      `json:"end"`
	// ParentStart and ParentEnd are those of the larger passage around it; its own when there is none.
	ParentStart int               `json:"parent_start"`
	ParentEnd   int               `json:"parent_end"`
	Tokens      int               `json:"tokens"`
	Text        string            `json:"text"`
	Labels      map[string]string `json:"labels"`
	Tenant      string            `json:"tenant"`
}

// ragKeep names the documents that stay.
type ragKeep struct {
	Documents []string `json:"documents"`
}

type ragPruned struct {
	Removed int64 `json:"removed"` // chunks
}

// collectionOf is the collection that a request names, or the one that answers.
func collectionOf(r *http.Request, p *rag.Pipeline) (string, error) {
	name := r.URL.Query().Get("collection")
	if name == "" {
		return p.Alias(), nil
	}
	if !owns(p, name) {
		return "", bad("collection", "%s is no collection of this pipeline", clip(name))
	}
	return name, nil
}

func (a *API) listRAGDocuments(w http.ResponseWriter, r *http.Request) error {
	p, _, err := a.pipeline(r)
	if err != nil {
		return err
	}
	name, err := collectionOf(r, p)
	if err != nil {
		return err
	}
	limit, err := readLimit(r.URL.Query(), 50)
	if err != nil {
		return err
	}
	after, err := base64.RawURLEncoding.DecodeString(r.URL.Query().Get("cursor"))
	if err != nil || !utf8.Valid(after) {
		return bad("cursor", "the cursor is not one of this list: use the next of the page before")
	}
	docs, next, err := findDocuments(r.Context(), p.Index(), name, string(after), r.URL.Query().Get("q"), limit)
	if errors.Is(err, rag.ErrNoCollection) && name == p.Alias() { // nothing is indexed yet
		return answer(w, http.StatusOK, ragDocuments{Documents: []ragHeldInfo{}})
	}
	if err != nil {
		return ragFault(fmt.Errorf("list documents: %w", err))
	}
	out := ragDocuments{Collection: name, Documents: make([]ragHeldInfo, len(docs)), Next: base64.RawURLEncoding.EncodeToString([]byte(next))}
	for i := range docs {
		out.Documents[i] = heldInfo(&docs[i])
	}
	return answer(w, http.StatusOK, out)
}

// What one request looks through for words.
const (
	searchPage  = 1000  // documents
	searchBound = 10000 // of them; the next page goes on behind
)

// findDocuments gives the documents after an id that have words in their id or title, and the id to go on after: "" at the end. With
// words it may give fewer than the limit though more follow.
func findDocuments(ctx context.Context, in rag.Index, collection, after, words string, limit int) (found []rag.DocumentInfo, next string, err error) {
	words = strings.ToLower(strings.TrimSpace(words))
	page, looked := limit+1, 0
	if words != "" {
		page = searchPage
	}
	for looked < searchBound {
		docs, err := in.Documents(ctx, collection, after, page)
		if err != nil {
			return nil, "", err
		}
		for _, d := range docs {
			if words != "" && !strings.Contains(strings.ToLower(d.ID), words) && !strings.Contains(strings.ToLower(d.Title), words) {
				after = d.ID
				continue
			}
			if len(found) == limit {
				return found, after, nil
			}
			found, after = append(found, d), d.ID
		}
		if looked += len(docs); len(docs) < page {
			return found, "", nil
		}
	}
	return found, after, nil
}

func (a *API) listRAGChunks(w http.ResponseWriter, r *http.Request) error {
	p, _, err := a.pipeline(r)
	if err != nil {
		return err
	}
	name, err := collectionOf(r, p)
	if err != nil {
		return err
	}
	id := r.URL.Query().Get("document")
	if id == "" {
		return bad("document", "name the document whose chunks are asked for")
	}
	chunks, err := p.Index().Chunks(r.Context(), name, id)
	if err != nil {
		return ragFault(fmt.Errorf("list chunks: %w", err))
	}
	out := ragChunks{Collection: name, Chunks: make([]ragChunk, len(chunks))}
	for i, c := range chunks {
		labels := c.Labels
		if labels == nil {
			labels = map[string]string{}
		}
		out.Chunks[i] = ragChunk{c.ID, c.Document, c.Title, list(c.Headings), c.Ordinal, c.Start, c.End, c.ParentStart, c.ParentEnd, c.Tokens, c.Text, labels, c.Tenant}
	}
	return answer(w, http.StatusOK, out)
}

func (a *API) putRAGDocuments(w http.ResponseWriter, r *http.Request) error {
	_, name, err := a.pipeline(r)
	if err != nil {
		return err
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != contentJSONLines {
		return bad("Content-Type", "the content type %q is not that of JSON lines, %s", clip(r.Header.Get("Content-Type")), contentJSONLines)
	}
	// The body is read whole before the work begins: that may take longer than a request may.
	body, err := io.ReadAll(r.Body)
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return llm.Faultf(llm.BodyTooLarge, "the documents are larger than the %d bytes that one request may bring; send them in several", tooLarge.Limit)
	}
	if err != nil {
		return llm.Faultf(llm.InvalidRequest, "the documents did not arrive whole").Because(err)
	}
	on := a.accountOf(r, cmp.Or(r.URL.Query().Get("project"), "default"))
	summary, err := a.cfg.RAG.Put(r.Context(), name, on, readDocuments(body))
	if err != nil {
		return stopped(name, summary, err)
	}
	return answer(w, http.StatusOK, summary)
}

// stopped is what a client is told whose documents could not be indexed to the end: what it can mend is in the error's own words.
func stopped(name string, s rag.Summary, err error) error {
	fault, known := errors.AsType[*llm.Fault](ragFault(err))
	if known || errors.Is(err, context.Canceled) {
		if known {
			return fault
		}
		return err
	}
	return llm.Faultf(llm.UpstreamUnavailable, "indexing for %s stopped after %d documents, which stay: %v", name, s.Documents, err).Because(err)
}

// accountOf is a call that what the API asks for somebody is made beneath.
func (a *API) accountOf(r *http.Request, project string) *llm.Call {
	now := time.Now()
	return &llm.Call{ID: llm.NewID(now), TraceID: llm.NewTraceID(), Start: now, Project: project, User: callerOf(r).name}
}

// readDocuments reads JSON lines. A line that is no document is an error of its own.
func readDocuments(body []byte) iter.Seq2[rag.Document, error] {
	return func(yield func(rag.Document, error) bool) {
		n := 0
		for line := range bytes.Lines(body) {
			n++
			line = bytes.TrimSpace(line)
			var doc rag.Document
			var err error
			switch {
			case len(line) == 0:
				continue
			case len(line) > maxRAGLine:
				err = &rag.DocumentError{Name: fmt.Sprintf("line %d", n), Err: fmt.Errorf("it has %d MB, and at most %d are taken; cut the document into several", len(line)>>20, maxRAGLine>>20)}
			default:
				doc, err = readDocument(line, n)
			}
			if !yield(doc, err) {
				return
			}
		}
	}
}

func readDocument(line []byte, n int) (rag.Document, error) {
	var in ragDocument
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return rag.Document{}, &rag.DocumentError{Name: fmt.Sprintf("line %d", n), Err: fmt.Errorf("it is no document: %w", err)}
	}
	kind := rag.Kind(cmp.Or(in.Kind, string(rag.Text)))
	switch kind {
	case rag.Text, rag.Markdown, rag.Code, rag.Table:
	default:
		return rag.Document{}, &rag.DocumentError{Document: in.ID, Err: fmt.Errorf("the kind %q is none of text, markdown, code, table", clip(in.Kind))}
	}
	return rag.Document{ID: in.ID, Title: in.Title, Kind: kind, Text: in.Text, Labels: in.Labels, Tenant: in.Tenant}, nil
}

func (a *API) pruneRAG(w http.ResponseWriter, r *http.Request) error {
	p, name, err := a.pipeline(r)
	if err != nil {
		return err
	}
	var in ragKeep
	if err := read(r, &in); err != nil {
		return err
	}
	if len(in.Documents) == 0 {
		return bad("documents", "no document would stay; DELETE %s/rag/%s removes all", prefix, name)
	}
	removed, err := rag.Prune(r.Context(), p.Index(), a.cfg.RAG.Made(name).Collection, in.Documents)
	if err != nil {
		return ragFault(fmt.Errorf("remove documents of %s: %w", name, err))
	}
	return answer(w, http.StatusOK, ragPruned{removed})
}
