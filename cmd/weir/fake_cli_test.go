package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

const fakeToken = "wt-test"

// fakeAPI speaks the API's JSON over two calls, two keys and one price.
type fakeAPI struct {
	again chan string // what each tail after the first goes on behind

	mu    sync.Mutex // guards tails and set
	tails int
	set   []json.RawMessage // prices set by hand
}

func newFakeAPI() *fakeAPI {
	return &fakeAPI{again: make(chan string, 1000)}
}

const (
	okID   = "0193a5c8-6b1e-7c3a-9f2d-1f0e8a7b6c5d"
	badID  = "0193a5c8-6b1e-7c3a-9f2d-00000000dead"
	lateID = "0193a5c8-6b1e-7c3a-9f2d-00000000late"
)

// fakeCall is a call of 4 March 2025.
func fakeCall(id, status, cost, more string) string {
	return fmt.Sprintf(`{"id":%q,"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","start_time":"2025-03-04T08:00:00.123456Z","duration_ms":812.4,"ttft_ms":210.1,
"project":"support","key":"prod","user":"u1","session":"s1","tags":{"team":"care","env":"prod"},"endpoint":"chat.completions","stream":true,
"provider":"openai","model_requested":"fast","model":"gpt-4o-mini-2024-07-18","status":%q,"http_status":200,"error_code":"",
"usage":{"input_uncached":1210,"cache_read":0,"cache_write_5m":0,"cache_write_1h":0,"output_text":20,"reasoning":0,"input_audio":0,"output_audio":0},
"usage_source":"provider","cost_usd":%s,"saved_usd":"0","price_status":"exact","price_version":"2026-11-23","cache":"miss","prompt":"","arm":""%s}`, id, status, cost, more)
}

// okDetail is what the detail of the good call has beside its row.
const okDetail = `,"attempts":[{"provider":"openai","model":"gpt-4o-mini","status":"error","http_status":503,"error":{"type":"overloaded","message":"try later","status":503,"retryable":true},"start_time":"2025-03-04T08:00:00.130000Z","duration_ms":90.5},
{"provider":"openai","model":"gpt-4o-mini","status":"ok","http_status":200,"error":null,"start_time":"2025-03-04T08:00:00.230000Z","duration_ms":700}],
"request":{"model":"fast","stream":true,"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"Hello \u001b[31mred"},{"type":"image_url","image_url":{"url":"data:x"}}]}]},
"response":"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Good \"}}]}\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"day\"}}]}\n\ndata: [DONE]\n\n",
"cost_explained":[{"bucket":"input_uncached","tokens":1210,"price_usd_per_mtok":"0.15","amount_usd":"0.0001815","rule":"openai/gpt-4o-mini"},{"bucket":"output_text","tokens":20,"price_usd_per_mtok":"0.6","amount_usd":"0.000012","rule":"openai/gpt-4o-mini"}],
"error":null,"finish_reasons":["stop"],"service_tier":"default","usage_raw":null,"flags":[]`

const badDetail = `,"attempts":[],"request":null,"response":null,"cost_explained":[],"error":{"type":"rate_limit_exceeded","message":"slow down","status":429,"retryable":true},"finish_reasons":null,"flags":null`

const fakeKeys = `{"keys":[
{"id":"k7q2m9xw3abt","project":"support","name":"prod","models":["gpt-4o*"],"endpoints":[],"created_at":"2025-03-01T09:12:44.120331Z","last_used_at":null,"revoked_at":null,"expires_at":null,"prefix":"sk-weir-k7q2m9xw3abt","requests_per_minute":60,"tokens_per_minute":100000,"concurrent":5},
{"id":"p0d4hz81rt6v","project":"search","name":"prod","models":[],"endpoints":[],"created_at":"2025-03-01T09:12:44.120331Z","last_used_at":"2025-03-02T10:00:00.000000Z","revoked_at":null,"expires_at":null,"prefix":"sk-weir-p0d4hz81rt6v"},
{"id":"x3f8s0c5n1ye","project":"search","name":"old","models":[],"endpoints":[],"created_at":"2025-03-01T09:12:44.120331Z","last_used_at":null,"revoked_at":"2025-03-03T10:00:00.000000Z","expires_at":null,"prefix":"sk-weir-x3f8s0c5n1ye"}]}`

const fakePrices = `{"version":"2026-11-23","prices":[{"provider":"openai","model":"gpt-4o-mini","effective_from":"2024-07-18","kind":"token","input_usd_per_mtok":"0.15","cache_read_usd_per_mtok":"0.075","output_usd_per_mtok":"0.6","context_window":128000,"status":"agreed","sources":["litellm","models.dev"]}]}`

const fakeCosts = `{"rows":[
{"model":"gpt-4o-mini-2024-07-18","day":"2025-03-04","calls":1234567,"errors":3,"unpriced_calls":0,"cost_usd":"12.345678901","saved_usd":"0.000000000","input_tokens":1000,"output_tokens":20,"latency_p50_ms":810.5,"latency_p95_ms":1200},
{"model":"qwen3","day":"2025-03-04","calls":2,"errors":0,"unpriced_calls":2,"cost_usd":null,"saved_usd":"0.000000000","input_tokens":5,"output_tokens":5,"latency_p50_ms":null,"latency_p95_ms":null}],
"total":{"calls":1234569,"errors":3,"unpriced_calls":2,"cost_usd":"12.345678901","saved_usd":"0.000000000","input_tokens":1005,"output_tokens":25,"latency_p50_ms":810.5,"latency_p95_ms":1200}}`

const fakeQuarantine = `{"records":[
{"id":"` + badID + `","number":4,"since":"2025-03-04T08:00:00.000000Z","reason":"code: 69, message: Too large","bytes":700,"readable":true,"start_time":"2025-03-04T07:59:00.000000Z","project":"support","key":"prod","provider":"openai","model":"qwen3","status":"ok"},
{"id":"9","number":9,"since":"2025-03-04T08:01:00.000000Z","reason":"record does not decode","bytes":70,"readable":false,"start_time":null,"project":"","key":"","provider":"","model":"","status":null}],
"total":2,"truncated":false}`

const fakeQuarantined = `{"id":"` + badID + `","number":4,"since":"2025-03-04T08:00:00.000000Z","reason":"code: 69, message: Too large","bytes":700,"readable":true,"start_time":"2025-03-04T07:59:00.000000Z","project":"support","key":"prod","provider":"openai","model":"qwen3","status":"ok","call":{"id":"` + badID + `","tags":{"team":"a"}}}`

const fakeBudgets = `{"budgets":[
{"id":"b1","name":"team-a","scope":{"tag.team":"a","project":"support"},"window":"day","timezone":"UTC","limit_usd":"20.000000000","limit_tokens":null,"limit_calls":5000,"policy":"strict","at_limit":"refuse","soft":[],"state":"ok","percent":12,"resets_at":"2025-03-05T00:00:00.000000Z","spent_usd":"2.500000000","spent_calls":120,"held_usd":"0.010000000","held_calls":1,"overshoot_bound_usd":"0.000000000","unbounded_calls":0},
{"id":"b2","name":"trial","scope":{},"window":"lifetime","timezone":"UTC","limit_usd":null,"limit_tokens":1000,"limit_calls":null,"policy":"expected","at_limit":"alert","soft":[],"state":"spent","percent":130,"resets_at":null,"spent_usd":"0.000000000","spent_tokens":1300,"held_usd":"0.000000000"}]}`

const fakeHolds = `{"holds":[{"id":"c.1","call":"c","attempt":1,"state":"presumed","project":"support","key":"prod","model":"gpt-4o","provider":"openai","began":"2025-03-04T08:00:00.000000Z","expires_at":"2025-03-04T08:02:00.000000Z","budgets":[{"id":"b1","usd":"0.010000000","tokens":7,"calls":1},{"id":"b2","usd":"0.000000000","tokens":7,"calls":1}]}]}`

// ServeHTTP answers as weir does.
func (f *fakeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/readyz" {
		_, _ = io.WriteString(w, `{"status":"ready","reasons":{}}`)
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+fakeToken {
		fakeError(w, http.StatusUnauthorized, "weir_unauthorized", "this is not the admin token")
		return
	}
	body, _ := io.ReadAll(r.Body)
	q := r.URL.Query()
	switch path := strings.TrimPrefix(r.URL.Path, "/api/v1"); r.Method + " " + path {
	case "GET /calls":
		list := []string{fakeCall(okID, "ok", `"0.000193500"`, `,"attempts":2`), fakeCall(badID, "error", "null", `,"attempts":0`)}
		has := func(c string, statuses []string) bool {
			return slices.ContainsFunc(statuses, func(status string) bool { return strings.Contains(c, `"status":"`+status+`"`) })
		}
		list = slices.DeleteFunc(list, func(c string) bool { return q.Has("status") && !has(c, q["status"]) || has(c, q["not.status"]) })
		if q.Get("sort") == "cost" || q.Get("order") == "asc" {
			slices.Reverse(list)
		}
		next := ""
		if q.Get("limit") == "1" && len(list) > 1 {
			list, next = list[:1], "cursor-2"
		}
		fmt.Fprintf(w, `{"calls":[%s],"next":%q}`, strings.Join(list, ","), next)
	case "GET /calls/tail":
		w.Header().Set("Content-Type", "text/event-stream")
		if f.tails++; f.tails == 1 {
			fmt.Fprintf(w, "id: %s\n\nid: %s\nevent: call\ndata: %s\n\nevent: end\ndata: {\"reason\":\"stopping\"}\n\n", okID, lateID, strings.ReplaceAll(fakeCall(lateID, "ok", `"0.000193500"`, `,"attempts":1`), "\n", ""))
			return
		}
		f.again <- r.Header.Get("Last-Event-ID")
		f.mu.Unlock()
		<-r.Context().Done()
		f.mu.Lock()
	case "GET /calls/" + okID:
		_, _ = io.WriteString(w, fakeCall(okID, "ok", `"0.000193500"`, okDetail))
	case "GET /calls/" + badID:
		_, _ = io.WriteString(w, fakeCall(badID, "error", "null", badDetail))
	case "GET /costs":
		if q.Get("by") == "colour" {
			fakeError(w, http.StatusBadRequest, "weir_invalid_request", "costs cannot be grouped by colour")
			return
		}
		if q.Get("format") == "csv" {
			w.Header().Set("Content-Type", "text/csv; charset=utf-8")
			_, _ = io.WriteString(w, "model,day,calls\r\nqwen3,2025-03-04,2\r\n")
			return
		}
		_, _ = io.WriteString(w, fakeCosts)
	case "GET /keys":
		_, _ = io.WriteString(w, fakeKeys)
	case "POST /keys":
		var in struct {
			Project, Name string
			RPM           int64 `json:"requests_per_minute"`
			TPM           int64 `json:"tokens_per_minute"`
			Concurrent    int64 `json:"concurrent"`
		}
		_ = json.Unmarshal(body, &in)
		w.WriteHeader(http.StatusCreated)
		if in.RPM+in.TPM+in.Concurrent > 0 {
			fmt.Fprintf(w, `{"id":"n3w","key":"sk-weir-n3w-secret","limits":{"requests_per_minute":%d,"tokens_per_minute":%d,"concurrent":%d}}`, in.RPM, in.TPM, in.Concurrent)
			return
		}
		fmt.Fprintf(w, `{"id":"n3w","key":"sk-weir-n3w-secret","project":%q,"name":%q}`, in.Project, in.Name)
	case "POST /keys/k7q2m9xw3abt/rotate":
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"id":"r0t","key":"sk-weir-r0t-secret","project":"support","name":"prod"}`)
	case "DELETE /keys/k7q2m9xw3abt", "DELETE /keys/p0d4hz81rt6v":
		w.WriteHeader(http.StatusNoContent)
	case "GET /budgets":
		_, _ = io.WriteString(w, fakeBudgets)
	case "POST /budgets", "PUT /budgets/b1":
		fmt.Fprintf(w, `{"id":"b-%s",%s`, strings.ToLower(r.Method), body[1:])
	case "DELETE /budgets/b1":
		w.WriteHeader(http.StatusNoContent)
	case "GET /budgets/holds":
		_, _ = io.WriteString(w, fakeHolds)
	case "POST /budgets/holds/c.1/release":
		w.WriteHeader(http.StatusNoContent)
	case "GET /prices":
		_, _ = io.WriteString(w, fakePrices)
	case "POST /prices":
		f.set = append(f.set, body)
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(body)
	case "DELETE /prices":
		if len(f.set) == 0 {
			fakeError(w, http.StatusNotFound, "weir_not_found", "no such price was set by hand")
			return
		}
		f.set = nil
		w.WriteHeader(http.StatusNoContent)
	case "POST /prices/import":
		var in struct{ Prices []json.RawMessage }
		_ = json.Unmarshal(body, &in)
		f.set = append(f.set, in.Prices...)
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"imported":%d,"version":"2026-11-23+set-1"}`, len(in.Prices))
	case "POST /prices/reprice":
		var in struct {
			Model string
			Apply bool
		}
		_ = json.Unmarshal(body, &in)
		if in.Model == "right" {
			_, _ = io.WriteString(w, `{"models":[],"total":{"calls":10},"applied":false,"version":"2026-11-23"}`)
			return
		}
		const sums = `"calls":1200,"changed":7,"newly_priced":3,"no_price":2,"recorded_usd":"1.500000000","present_usd":"1.000000000","difference_usd":"-0.500000000"`
		fmt.Fprintf(w, `{"models":[{"provider":"openai","model":"gpt-4o-mini",%s}],"total":{%s},"applied":%v,"version":"2026-11-23"}`, sums, sums, in.Apply)
	case "POST /prices/simulate":
		fakeSimulation(w, body)
	case "GET /prices/unpriced":
		_, _ = io.WriteString(w, `{"models":[{"provider":"local","price_as":"local","model":"qwen3","calls":2,"last_seen":"2025-03-04T08:00:00.000000Z","closest":"groq/qwen/qwen3-32b"}]}`)
	case "GET /spool":
		if len(f.set) > 0 { // a script that has set a price sees a loss
			_, _ = io.WriteString(w, `{"accepted":10,"written":8,"waiting":1,"quarantined":0,"dropped":1,"bodies_dropped":0,"oldest_waiting_seconds":2.5}`)
			return
		}
		_, _ = io.WriteString(w, `{"accepted":1234,"written":1234,"waiting":0,"quarantined":0,"dropped":0,"bodies_dropped":0,"oldest_waiting_seconds":0}`)
	case "GET /spool/quarantine":
		_, _ = io.WriteString(w, fakeQuarantine)
	case "GET /spool/quarantine/4", "GET /spool/quarantine/" + badID:
		_, _ = io.WriteString(w, fakeQuarantined)
	case "GET /cache":
		_, _ = io.WriteString(w, `{"hits":1234,"misses":766,"fills":700,"saved_usd":"3.250000000","entries":420,"bytes":1000000,"max_bytes":16777216,"evictions":7,"expired":9,"semantic":{"hits":34,"failures":2,"refused":1,"kept":60,"lost":3,"audits_agreed":5,"audits_disagreed":1,"audits_unsure":0,"audits_skipped":0}}`+"\n")
	case "DELETE /cache":
		_, _ = fmt.Fprintf(w, `{"purged":%d,"query":%q}`+"\n", 420-len(q), q.Encode()) // the query is not the real API's: a script sees what was asked
	case "POST /spool/quarantine/4/resend", "POST /spool/quarantine/" + badID + "/resend":
		w.WriteHeader(http.StatusAccepted)
	case "DELETE /spool/quarantine/4", "DELETE /spool/quarantine/damaged":
		w.WriteHeader(http.StatusNoContent)
	case "GET /system":
		_, _ = io.WriteString(w, `{"version":"v1.2.3-fake"}`)
	default:
		fakeError(w, http.StatusNotFound, "weir_not_found", r.Method+" "+r.URL.Path+" is not part of the API")
	}
}

func fakeError(w http.ResponseWriter, status int, code, message string) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"message": message, "type": "invalid_request_error", "param": nil, "code": code}})
}
