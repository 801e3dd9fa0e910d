package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/llm"
)

// prefix is where the API lives.
const prefix = "/api/v1"

// maxBody bounds a request's body in bytes.
const maxBody = 1 << 20

// route is one operation: what the mux serves and the OpenAPI document describes.
type route struct {
	method, path string // path below prefix, with {name} for what varies
	name         string // operationId
	summary      string
	open         bool         // needs no token
	role         account.Role // what it takes; "": a viewer's to read, an admin's for all else
	params       []param
	// instead says of parameters that the route does not have what to do in their place.
	instead map[string]string
	in      any      // a value of the request body's type; nil: no body
	takes   []string // content types of a body that is not JSON
	status  int
	out     any      // a value of the answer's type; nil: no body
	also    []string // content types of the answer beside JSON
	stream  string   // content type of an answer that is many values one after another, each like out
	maxBody int64    // bytes of the request's body; 0: maxBody
	handle  func(http.ResponseWriter, *http.Request) error
}

// table lists every route there is.
func (a *API) table() []route {
	return []route{
		{
			method: "GET", path: "/openapi.json", name: "openapi", summary: "This document", open: true,
			status: http.StatusOK, out: map[string]any{}, handle: a.getDocument,
		},
		{
			method: "GET", path: "/calls", name: "listCalls", summary: "Recorded calls, newest first or by another order", params: slices.Concat(filterParams, sortParams, pageParams),
			status: http.StatusOK, out: callList{}, handle: a.listCalls,
		},
		a.tailRoute(),
		{
			method: "GET", path: "/calls/{id}", name: "getCall", summary: "One call whole: bodies, attempts, and its cost explained",
			status: http.StatusOK, out: callDetail{}, handle: a.getCall,
		},
		{
			method: "GET", path: "/traces/{id}", name: "getTrace", summary: "The spans of a trace, earliest first",
			status: http.StatusOK, out: traceAnswer{}, handle: a.getTrace,
		},
		{
			method: "GET", path: "/costs", name: "getCosts", summary: "Sums over calls, grouped", params: slices.Concat(costParams, filterParams),
			status: http.StatusOK, out: costsAnswer{}, also: []string{"text/csv"}, handle: a.getCosts,
		},
		{
			method: "GET", path: "/costs/advice", name: "getCostAdvice", summary: "What calls cost more than they need to, with the figures that show it and what to do, the largest saving first",
			params: slices.Concat(adviceParams, adviceFilters), status: http.StatusOK, out: adviceAnswer{}, handle: a.getAdvice,
		},
		{
			method: "GET", path: "/costs/forecast", name: "getCostForecast", summary: "What will have been spent at the end of the present day, week, month, quarter or year, with an interval",
			params: slices.Concat(forecastParams, forecastFilters), status: http.StatusOK, out: spendForecast{}, handle: a.getForecast,
		},
		{
			method: "GET", path: "/facets", name: "getFacets", summary: "The most frequent values of project, key, user, model, provider and status",
			params: slices.Concat(filterParams, facetParams), status: http.StatusOK, out: facetsAnswer{}, handle: a.getFacets,
		},
		{
			method: "GET", path: "/export/calls", name: "exportCalls", summary: "A stream of calls, oldest first, one JSON object, CSV record or row of Parquet each; a stream that ends in an error is cut off",
			params: slices.Concat(exportParams, filterParams), status: http.StatusOK, out: exportedCall{}, also: []string{contentJSONLines, "text/csv", contentParquet}, handle: a.exportCalls,
		},
		{
			method: "GET", path: "/spool", name: "getSpool", summary: "Where accepted records are: accepted = written + waiting + quarantined + dropped",
			status: http.StatusOK, out: SpoolStats{}, handle: a.getSpool,
		},
		{
			method: "GET", path: "/spool/quarantine", name: "listQuarantine", summary: "Records that the store refuses, with its reasons, oldest first", params: quarantineParams,
			status: http.StatusOK, out: quarantineList{}, handle: a.listQuarantine,
		},
		{
			method: "GET", path: "/spool/quarantine/{id}", name: "getQuarantined", summary: "One record in quarantine whole, by its id or its call's",
			status: http.StatusOK, out: QuarantineDetail{}, handle: a.getQuarantined,
		},
		{
			method: "POST", path: "/spool/quarantine/{id}/resend", name: "resendQuarantined", summary: "Give a record in quarantine back to the spool: the store is asked to take it again, unless it has the call",
			status: http.StatusAccepted, handle: a.resendQuarantined,
		},
		{
			method: "DELETE", path: "/spool/quarantine/{id}", name: "discardQuarantined", summary: "Take a record out of quarantine for good, or by the id damaged all those that were damaged on the disk; it counts as dropped",
			status: http.StatusNoContent, handle: a.discardQuarantined,
		},
		{
			method: "GET", path: "/system", name: "getSystem", summary: "The running weir, its stores and its providers",
			status: http.StatusOK, out: systemAnswer{}, handle: a.getSystem,
		},
		{
			method: "GET", path: "/keys", name: "listKeys", summary: "All virtual keys, oldest first; never their secrets",
			status: http.StatusOK, out: keyList{}, handle: a.listKeys,
		},
		{
			method: "POST", path: "/keys", name: "createKey", summary: "Make a virtual key; its secret is in this answer only",
			in: newKey{}, status: http.StatusCreated, out: madeKey{}, handle: a.createKey,
		},
		{
			method: "DELETE", path: "/keys/{id}", name: "revokeKey", summary: "End a virtual key", status: http.StatusNoContent, handle: a.revokeKey,
		},
		{
			method: "POST", path: "/keys/{id}/rotate", name: "rotateKey", summary: "End a virtual key and make another of the same project, name and limits in one step",
			status: http.StatusCreated, out: madeKey{}, handle: a.rotateKey,
		},
		{
			method: "GET", path: "/prices", name: "listPrices", summary: "The price book in force, those set by hand first", params: priceParams,
			status: http.StatusOK, out: priceList{}, handle: a.listPrices,
		},
		{
			method: "POST", path: "/prices", name: "putPrice", summary: "Set a price, in place of the one set for the same provider, model, project and date",
			in: priceEntry, status: http.StatusCreated, out: priceEntry, handle: a.putPrice,
		},
		{
			method: "POST", path: "/prices/import", name: "importPrices", summary: "Set a list of prices, all or none of them",
			in: priceImport{}, status: http.StatusCreated, out: imported{}, handle: a.importPrices,
		},
		{
			method: "POST", path: "/prices/reprice", name: "reprice",
			summary: "What recorded calls would cost by the book in force, by model; to apply, the differences are added to their cost, once",
			in:      repriceRequest{}, status: http.StatusOK, out: repriced{}, handle: a.reprice,
		},
		{
			method: "POST", path: "/prices/simulate", name: "simulatePrices", role: account.Viewer,
			summary: "What an amount of tokens, or the calls recorded in a span, would cost on other models by the book in force; changes nothing",
			in:      simulateRequest{}, status: http.StatusOK, out: simulated{}, handle: a.simulatePrices,
		},
		{
			method: "DELETE", path: "/prices", name: "deletePrice", summary: "Remove a price that was set by hand", params: priceKeyParams,
			status: http.StatusNoContent, handle: a.deletePrice,
		},
		{
			method: "GET", path: "/prices/unpriced", name: "listUnpriced", summary: "Models that were called and have no price, most calls first",
			params: unpricedParams, status: http.StatusOK, out: unpricedList{}, handle: a.listUnpriced,
		},
		{
			method: "GET", path: "/budgets", name: "listBudgets", summary: "All budgets by name, with what is spent, held and left of the present window of each",
			status: http.StatusOK, out: budgetList{}, handle: a.listBudgets,
		},
		{
			method: "POST", path: "/budgets", name: "createBudget", summary: "Make a budget; it holds from the next call on, and what was spent in its window before is counted in",
			in: newBudget{}, status: http.StatusCreated, out: budget{}, handle: a.createBudget,
		},
		{
			method: "PUT", path: "/budgets/{id}", name: "changeBudget", summary: "Put a budget in place of the one of this id",
			in: newBudget{}, status: http.StatusOK, out: budget{}, handle: a.changeBudget,
		},
		{
			method: "DELETE", path: "/budgets/{id}", name: "deleteBudget", summary: "Remove a budget", status: http.StatusNoContent, handle: a.deleteBudget,
		},
		{
			method: "GET", path: "/budgets/holds", name: "listHolds", summary: "What is held of budgets for calls that are under way or were lost, oldest first",
			status: http.StatusOK, out: holdList{}, handle: a.listHolds,
		},
		{
			method: "POST", path: "/budgets/holds/{id}/release", name: "releaseHold", summary: "Give back what a hold took; should its call be settled later, it is charged all the same",
			status: http.StatusNoContent, handle: a.releaseHold,
		},
		{
			method: "GET", path: "/budgets/events", name: "listBudgetEvents", summary: "What happened to budgets, newest first: thresholds crossed, and breaches counted by window", params: eventParams,
			status: http.StatusOK, out: budgetEvents{}, handle: a.listBudgetEvents,
		},
		{
			method: "GET", path: "/budgets/{name}/events", name: "listEventsOfBudget", summary: "What happened to one budget, by its name or id", params: eventParams,
			status: http.StatusOK, out: budgetEvents{}, handle: a.listEventsOfBudget,
		},
		{
			method: "GET", path: "/budgets/{name}/forecast", name: "getBudgetForecast", summary: "What will have been spent of one budget, by its name or id, at the end of its present window",
			status: http.StatusOK, out: budgetForecast{}, handle: a.getBudgetForecast,
		},
		{
			method: "GET", path: "/cache", name: "getCache", summary: "The response cache: what it holds, and what it did since this weir was started",
			status: http.StatusOK, out: CacheStats{}, handle: a.getCache,
		},
		{
			method: "DELETE", path: "/cache", name: "purgeCache", summary: "Remove answers from the response cache: all, or those that every parameter picks", params: cacheParams,
			status: http.StatusOK, out: purged{}, handle: a.purgeCache,
		},
		{
			method: "GET", path: "/session", name: "getSession", summary: "Whether this request is signed in", open: true,
			status: http.StatusOK, out: sessionAnswer{}, handle: a.getSession,
		},
		{
			method: "POST", path: "/session", name: "signIn", summary: "Exchange the admin token, a member's or a one-time code for a session cookie", open: true,
			in: signIn{}, status: http.StatusOK, out: sessionAnswer{}, handle: a.signIn,
		},
		{
			method: "DELETE", path: "/session", name: "signOut", summary: "End the session", open: true,
			status: http.StatusNoContent, handle: a.signOut,
		},
	}
}

// mux serves the table. What is not in it is answered in the API's own error shape.
func (a *API) mux() http.Handler {
	mux := http.NewServeMux()
	methods := map[string][]string{}
	for i := range a.routes {
		r := &a.routes[i]
		mux.HandleFunc(r.method+" "+prefix+r.path, func(w http.ResponseWriter, req *http.Request) { a.serve(r, w, req) })
		methods[r.path] = append(methods[r.path], r.method)
		if r.method == http.MethodGet {
			methods[r.path] = append(methods[r.path], http.MethodHead)
		}
	}
	for p, allowed := range methods {
		allow := strings.Join(allowed, ", ")
		for _, method := range otherMethods(p, allowed, methods) {
			mux.HandleFunc(method+prefix+p, func(w http.ResponseWriter, req *http.Request) {
				w.Header().Set("Allow", allow)
				a.fail(w, req, llm.Faultf(llm.MethodNotAllowed, "%s is not a method of %s, which has %s", clip(req.Method), clip(req.URL.Path), allow))
			})
		}
	}
	nowhere := func(w http.ResponseWriter, req *http.Request) {
		a.fail(w, req, llm.Faultf(llm.NotFound, "%s is no path of the API; %s/openapi.json lists them", clip(req.URL.Path), prefix))
	}
	mux.HandleFunc("/", nowhere)
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		begin(w, req)
		if req.URL.Path != path.Clean(req.URL.Path) { // the mux would redirect
			nowhere(w, req)
			return
		}
		mux.ServeHTTP(w, atRef(req))
	})
}

// promptAt is a prompt's path with the version's number or a label behind an @, which a pattern of the mux cannot say.
var promptAt = regexp.MustCompile(`^` + prefix + `/prompts/([^/@]+)@([^/@]+)$`)

// atRef gives the request for /prompts/{name}/versions/{version} in place of one for /prompts/NAME@REF.
func atRef(r *http.Request) *http.Request {
	m := promptAt.FindStringSubmatch(r.URL.Path)
	if m == nil {
		return r
	}
	out, u := *r, *r.URL
	u.Path, u.RawPath = prefix+"/prompts/"+m[1]+"/versions/"+m[2], ""
	out.URL = &u
	return &out
}

// otherMethods are the methods that a path does not have, as patterns of the mux begin: all of them in one, or one by one for a
// path like /budgets/holds that is also one of /budgets/{id}, where the mux could not tell which of two patterns goes first.
func otherMethods(p string, allowed []string, paths map[string][]string) []string {
	for other := range paths {
		if ok, _ := path.Match(wildcard.ReplaceAllString(other, "*"), p); !ok || other == p {
			continue
		}
		var out []string
		for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions} {
			if !slices.Contains(allowed, m) {
				out = append(out, m+" ")
			}
		}
		return out
	}
	return []string{""}
}

var wildcard = regexp.MustCompile(`\{[a-z]+\}`)

// begin puts the headers on every answer, and the id under which a failure is logged.
func begin(w http.ResponseWriter, r *http.Request) {
	id := r.Header.Get("X-Request-Id")
	if !isName(id) {
		id = llm.NewSpanID()
	}
	h := w.Header()
	h.Set("X-Request-Id", id)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	// Recorded text is other people's: should a browser be made to show an answer as a page, nothing in it may run.
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// need is the role that a route takes.
func (r *route) need() account.Role {
	switch {
	case r.role != "":
		return r.role
	case r.method == http.MethodGet:
		return account.Viewer
	}
	return account.Admin
}

// serve does what all routes have in common.
func (a *API) serve(rt *route, w http.ResponseWriter, r *http.Request) {
	if !rt.open {
		in, err := a.letIn(r, rt.need())
		if err != nil {
			a.fail(w, r, err)
			return
		}
		r = in
	}
	r.Body = http.MaxBytesReader(w, r.Body, cmp.Or(rt.maxBody, maxBody))
	if err := rt.checkQuery(r.URL.RawQuery); err != nil {
		a.fail(w, r, err)
		return
	}
	if err := rt.handle(w, r); err != nil {
		a.fail(w, r, err)
	}
}

// answer writes v as JSON.
func answer(w http.ResponseWriter, status int, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
	return nil
}

// clip makes text of a request fit to be repeated in a message.
func clip(s string) string {
	const most = 100
	s = strings.ToValidUTF8(s, "\uFFFD")
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// isName says whether s is 1 to 64 letters, digits, dots, underscores and dashes.
func isName(s string) bool {
	const most = 64
	return s != "" && len(s) <= most && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
	})
}
