package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"
	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/rag"
	"github.com/weir-dev/weir/rag/source"
)

// What one request brings.
const (
	ragBatchBytes     = 4 << 20
	ragBatchDocuments = 500
	ragLongest        = 30 << 20 // bytes of a document
	ragLongestLine    = 32 << 20 // of one in JSON
	ragFailures       = 3        // batches in a row that are not taken, after which the rest is not tried
)

// errBatches says that so many were not taken.
var errBatches = errors.New("stopped; what is indexed stays, and the same command goes on from there")

func ragIndexCommand() *cobra.Command {
	x := &ragIndexing{}
	reader := &source.Reader{MaxBytes: ragLongest}
	var labels []string
	cmd := &cobra.Command{
		Use:   "index NAME PATH…",
		Short: "Index files, folders, patterns and addresses: only what has changed is embedded",
		Long: `index reads documents on this machine and gives them to the running weir: text, Markdown, HTML, code, CSV and JSON lines, a document
{"id", "title", "text", "labels", "tenant"} each; in a pattern, ** stands for any folders. Addresses with http or https are fetched from hosts that --allow-host names. A document's id
is its path below the folder that is named, or its address; hidden files, node_modules and links are passed over. Running it again
embeds only what has changed, and goes on where an interrupted run stopped. A document that cannot be indexed is an error of its own: the others are indexed all the same, and the exit
code is 1.`,
		Example: `  weir rag index handbook ./docs
  weir rag index handbook ./docs --prune
  weir rag index handbook https://docs.example.com/start --allow-host docs.example.com
  weir rag index handbook 'notes/**/*.md' faq.jsonl --label year=2026 --tenant legal`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, l := range labels {
				name, value, ok := strings.Cut(l, "=")
				if !ok || name == "" {
					return fmt.Errorf("--label %q is no label: want name=value", l)
				}
				if x.labels == nil {
					x.labels = map[string]string{}
				}
				x.labels[name] = value
			}
			var err error
			if x.c, err = newClient(cmd); err != nil {
				return err
			}
			x.c.timeout = time.Hour // of one batch, which may wait for a provider's limits
			x.name = args[0]
			x.tracker, x.done = &progress.Tracker{Message: "indexing", Total: source.Size(args[1:]), Units: progress.UnitsBytes}, reader.Done
			drawn := drawProgress(cmd, x.tracker)
			err = x.run(cmd.Context(), reader.Documents(cmd.Context(), args[1:]))
			drawn()
			return x.tell(cmd, err)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&x.prune, "prune", false, "remove documents that are not there any more, when all could be read")
	f.StringArrayVar(&labels, "label", nil, "label of all documents, to filter by: year=2026")
	f.StringArrayVar(&reader.Hosts, "allow-host", nil, "host that documents may be fetched from: docs.example.com, *.example.com")
	f.BoolVar(&reader.AllowPrivate, "allow-private", false, "let these hosts be inside the network: private and loopback addresses")
	f.StringVar(&x.tenant, "tenant", "", "the project that may find them, of a pipeline with tenant: project (everybody)")
	f.StringVar(&x.project, "project", "", "on whose account vectors are made (default)")
	return cmd
}

// ragIndexing is weir rag index.
type ragIndexing struct {
	name, project, tenant string
	labels                map[string]string
	prune                 bool

	c       *client
	sum     rag.Summary
	seen    map[string]bool // ids that were read, with those that failed
	unread  bool            // something of unknown id could not be read
	batch   bytes.Buffer
	ids     []string // of the documents in it
	inRow   int      // batches that were not taken
	more    int      // documents that an error of a batch is about, beyond the first one
	done    func() int64
	tracker *progress.Tracker
	begun   time.Time
}

// run sends the documents.
func (x *ragIndexing) run(ctx context.Context, docs iter.Seq2[rag.Document, error]) error {
	x.begun, x.seen, x.sum.Errors = time.Now(), map[string]bool{}, []rag.IndexFailed{}
	for doc, err := range docs {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			x.failed(err)
			continue
		}
		if err := x.add(ctx, &doc); err != nil {
			return err
		}
	}
	if err := x.send(ctx); err != nil {
		return err
	}
	return x.removeOthers(ctx)
}

// failed notes a document that could not be read.
func (x *ragIndexing) failed(err error) {
	one := rag.IndexFailed{Error: err.Error()}
	if d, ok := errors.AsType[*rag.DocumentError](err); ok {
		one = rag.IndexFailed{Document: cmp.Or(d.Name, d.Document), Error: d.Err.Error()}
		if d.Document != "" {
			x.seen[d.Document] = true
		}
		x.unread = x.unread || d.Document == ""
	} else {
		x.unread = true
	}
	x.sum.Errors = append(x.sum.Errors, one)
}

// add puts a document into the batch, and sends that when it is full.
func (x *ragIndexing) add(ctx context.Context, doc *rag.Document) error {
	switch {
	case x.seen[doc.ID]:
		x.failed(&rag.DocumentError{Document: doc.ID, Err: errors.New("another document of this id was read before; the first one counts")})
		return nil
	case len(doc.Text) > ragLongest:
		x.failed(&rag.DocumentError{Document: doc.ID, Err: fmt.Errorf("its text has %d MB, and at most %d are taken; cut it into several", len(doc.Text)>>20, ragLongest>>20)})
		return nil
	}
	labels := doc.Labels
	if len(x.labels) > 0 {
		labels = maps.Clone(doc.Labels)
		if labels == nil {
			labels = map[string]string{}
		}
		maps.Copy(labels, x.labels)
	}
	if len(x.ids) > 0 && x.batch.Len()+len(doc.Text) > ragBatchBytes {
		if err := x.send(ctx); err != nil {
			return err
		}
	}
	x.seen[doc.ID] = true
	before := x.batch.Len()
	line := json.NewEncoder(&x.batch)
	line.SetEscapeHTML(false)
	if err := line.Encode(source.Line{ID: doc.ID, Title: doc.Title, Kind: doc.Kind, Text: doc.Text, Labels: labels, Tenant: cmp.Or(x.tenant, doc.Tenant)}); err != nil {
		return fmt.Errorf("write document %s: %w", doc.ID, err)
	}
	if n := x.batch.Len() - before; n > ragLongestLine {
		x.batch.Truncate(before)
		x.failed(&rag.DocumentError{Document: doc.ID, Err: fmt.Errorf("as JSON it has %d MB, and at most %d are taken; cut it into several", n>>20, ragLongestLine>>20)})
		return nil
	}
	x.ids = append(x.ids, doc.ID)
	if len(x.ids) >= ragBatchDocuments {
		return x.send(ctx)
	}
	return nil
}

// send gives the batch to the weir.
func (x *ragIndexing) send(ctx context.Context) error {
	if len(x.ids) == 0 {
		return nil
	}
	defer func() { x.ids = x.ids[:0]; x.batch.Reset() }()
	q := url.Values{}
	if x.project != "" {
		q.Set("project", x.project)
	}
	raw, err := x.c.lines(ctx, "rag/"+url.PathEscape(x.name)+"/documents", q, &x.batch)
	if err != nil {
		return x.notTaken(err)
	}
	x.inRow = 0
	var got rag.Summary
	if err := json.Unmarshal(raw, &got); err != nil {
		return fmt.Errorf("read what became of %s: %w", noun(len(x.ids), "document"), err)
	}
	x.sumUp(&got)
	x.tracker.SetValue(x.done())
	if d := time.Since(x.begun).Seconds(); d > 0 {
		x.tracker.UpdateMessage(fmt.Sprintf("%s, %s chunks, %s chunks/s", noun(int(x.sum.Documents), "document"), count(x.sum.Chunks), count(int64(float64(x.sum.Chunks)/d))))
	}
	return nil
}

// notTaken notes a batch that the weir could not index, unless the next one cannot be told from it: then it is the end.
func (x *ragIndexing) notTaken(err error) error {
	refused, ok := errors.AsType[*apiError](err)
	if !ok || refused.Status < http.StatusInternalServerError && refused.Status != http.StatusConflict {
		return err
	}
	which := x.ids[0]
	if n := len(x.ids); n > 1 {
		which = fmt.Sprintf("%s to %s (%d documents)", which, x.ids[n-1], n)
		x.more += n - 1
	}
	x.sum.Errors, x.unread = append(x.sum.Errors, rag.IndexFailed{Document: which, Error: refused.Message}), true
	if x.inRow++; x.inRow >= ragFailures || refused.Status == http.StatusConflict {
		return errBatches
	}
	return nil
}

// sumUp adds what became of a batch.
func (x *ragIndexing) sumUp(got *rag.Summary) {
	s := &x.sum
	first := s.Documents+s.Chunks == 0
	s.Documents += got.Documents
	s.Chunks += got.Chunks
	s.New += got.New
	s.Unchanged += got.Unchanged
	s.Removed += got.Removed
	s.Embedded += got.Embedded
	switch {
	case got.SavedUSD == nil:
		s.SavedUSD = nil
	case first:
		s.SavedUSD = got.SavedUSD
	case s.SavedUSD != nil:
		sum := *s.SavedUSD + *got.SavedUSD
		s.SavedUSD = &sum
	}
	s.Errors = append(s.Errors, got.Errors...)
}

// removeOthers removes the documents that were not read.
func (x *ragIndexing) removeOthers(ctx context.Context) error {
	switch {
	case !x.prune || len(x.seen) == 0:
		return nil
	case x.unread:
		x.sum.Errors = append(x.sum.Errors, rag.IndexFailed{Error: "documents that are gone were not removed, since some could not be read"})
		return nil
	}
	var out struct{ Removed int64 }
	in := map[string]any{"documents": slices.Sorted(maps.Keys(x.seen))}
	if _, err := x.c.do(ctx, http.MethodPost, "rag/"+url.PathEscape(x.name)+"/prune", nil, in, &out); err != nil {
		return fmt.Errorf("remove documents that are gone: %w", err)
	}
	x.sum.Removed += out.Removed
	return nil
}

// lines posts JSON lines below /api/v1.
func (c *client) lines(ctx context.Context, path string, q url.Values, body *bytes.Buffer) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	at := c.base.JoinPath("api/v1", path)
	at.RawQuery = q.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at.String(), bytes.NewReader(body.Bytes()))
	if err != nil {
		return nil, fmt.Errorf("write request: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	req.Header.Set("User-Agent", "weir/"+version)
	if !c.token.IsZero() {
		req.Header.Set("Authorization", "Bearer "+c.token.Reveal())
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreached(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", c.base.Redacted(), err)
	}
	if res.StatusCode >= 300 {
		return nil, c.refused(res, raw)
	}
	return raw, nil
}

// tell shows what indexing came to, and says no when a document could not be indexed. cut is why it ended early, if it did.
func (x *ragIndexing) tell(cmd *cobra.Command, cut error) error {
	stopped := errors.Is(cut, errBatches)
	switch {
	case cut != nil && cmd.Context().Err() != nil:
		cut = errors.New("interrupted; the same command goes on where this one stopped")
	case cut != nil && !stopped && x.sum.Chunks == 0: // there is nothing to tell
		return cut
	case cut != nil && !stopped:
		cut = fmt.Errorf("stopped: %w; what is indexed stays, and the same command goes on from there", cut)
	}
	s := newScreen(cmd)
	if asJSON(cmd) {
		if err := s.line(&x.sum); err != nil {
			return err
		}
	} else {
		saved := ""
		if x.sum.SavedUSD != nil && x.sum.Unchanged > 0 {
			saved = ", which saved " + x.sum.SavedUSD.String() + " USD"
		}
		fmt.Fprintf(s.out, "%s of %s: %s new, %s unchanged%s, %s removed; %s embedded\n", noun(int(x.sum.Documents), "document"), noun(int(x.sum.Chunks), "chunk"),
			count(x.sum.New), count(x.sum.Unchanged), saved, count(x.sum.Removed), count(x.sum.Embedded))
		for _, e := range x.sum.Errors {
			s.note("%s: %s", clean(e.Document), clean(e.Error))
		}
	}
	switch n := len(x.sum.Errors); {
	case stopped:
		return sayNo("%w", cut)
	case cut != nil:
		return cut
	case n > 0:
		return sayNo("%s could not be indexed", noun(n+x.more, "document"))
	}
	return nil
}
