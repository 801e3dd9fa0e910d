package api

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

// traceSpans bounds the spans of one trace in an answer.
const traceSpans = 1000

// sortParams say what a list of calls is ordered by.
var sortParams = []param{
	{name: "sort", about: "largest first by this, and of equal ones the newest first; time, which is newest first, unless given", enum: callOrders},
	{name: "order", about: "asc: smallest first, by time the oldest; what is not known comes last both ways; desc unless given", enum: callWays},
}

// callWays are the ways that a list of calls is sorted.
var callWays = []string{"desc", "asc"}

var callOrders = func() []string {
	out := make([]string, len(trace.CallOrders))
	for i, o := range trace.CallOrders {
		out[i] = string(o)
	}
	return out
}()

// readSort reads sortParams.
func readSort(q url.Values) (trace.CallOrder, error) {
	order := trace.CallOrder(cmp.Or(q.Get("sort"), string(trace.CallsByTime)))
	if !slices.Contains(trace.CallOrders, order) {
		return order, bad("sort", "sort=%q is unknown: want %s", clip(string(order)), strings.Join(callOrders, ", "))
	}
	switch way := q.Get("order"); way {
	case "", "desc":
		return order, nil
	case "asc":
		return order.Up(), nil
	default:
		return order, bad("order", "order=%q is unknown: want %s", clip(way), strings.Join(callWays, " or "))
	}
}

func (a *API) listCalls(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	f, err := readFilter(q, time.Now(), time.UTC)
	if err != nil {
		return err
	}
	limit, err := readLimit(q, 50)
	if err != nil {
		return err
	}
	order, err := readSort(q)
	if err != nil {
		return err
	}
	var page trace.Page
	if order == trace.CallsByTime {
		page, err = a.cfg.Reader.Calls(r.Context(), f, limit, q.Get("cursor"))
	} else {
		page, err = a.cfg.Explorer.SortedCalls(r.Context(), f, order, limit, q.Get("cursor"))
	}
	if err != nil {
		return fmt.Errorf("list calls: %w", err)
	}
	out := callList{Calls: make([]listedCall, len(page.Calls)), Next: page.Next}
	for i := range page.Calls {
		out.Calls[i] = listedOf(&page.Calls[i])
	}
	return answer(w, http.StatusOK, out)
}

// record asks the spool first: a record leaves it only when the store has it, so that it is always in one of them.
func (a *API) record(r *http.Request, id string) (trace.Record, error) {
	if rec, waiting := a.cfg.Spool.Waiting(id); waiting {
		return rec, nil
	}
	return a.cfg.Reader.Call(r.Context(), id)
}

func (a *API) getCall(w http.ResponseWriter, r *http.Request) error {
	rec, err := a.record(r, r.PathValue("id"))
	if err != nil {
		return fmt.Errorf("read call: %w", err)
	}
	lines, note := a.explain(&rec)
	return answer(w, http.StatusOK, callDetail{
		call: callOf(&rec.Call), spanFacts: factsOf(&rec.Call), Attempts: attemptsOf(&rec), CostExplained: lines, CostNote: note,
		Request: jsonOf(rec.Body.Request), Response: jsonOf(rec.Body.Response),
	})
}

func (a *API) getTrace(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	spans, err := a.cfg.Reader.Trace(r.Context(), id, traceSpans)
	if err != nil {
		return fmt.Errorf("read trace: %w", err)
	}
	if len(spans) == 0 {
		return llm.Faultf(llm.NotFound, "no call of the trace %s is in the store: it never was, or it is older than what is kept", clip(id))
	}
	out := traceAnswer{TraceID: id, Spans: make([]spanLine, len(spans))}
	for i := range spans {
		s := &spans[i]
		out.Spans[i] = spanLine{listedCall: listedOf(s), Kind: s.Kind, SpanID: s.SpanID, ParentID: s.ParentID, Error: s.Error}
	}
	return answer(w, http.StatusOK, out)
}
