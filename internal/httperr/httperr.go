// Package httperr turns weir's own errors into HTTP answers, in one table for the gateway and the API.
package httperr

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"net/http"
	"strconv"

	"github.com/weir-dev/weir/llm"
)

type row struct {
	status int
	kind   string // OpenAI's error type
}

var table = map[llm.Code]row{
	llm.Unauthorized:        {http.StatusUnauthorized, "authentication_error"},
	llm.Forbidden:           {http.StatusForbidden, "permission_error"},
	llm.EndpointDenied:      {http.StatusForbidden, "permission_error"},
	llm.BudgetExceeded:      {http.StatusTooManyRequests, "insufficient_quota"},
	llm.BudgetUnavailable:   {http.StatusServiceUnavailable, "api_error"},
	llm.RateLimited:         {http.StatusTooManyRequests, "rate_limit_error"},
	llm.ModelUnknown:        {http.StatusNotFound, "invalid_request_error"},
	llm.Unpriced:            {http.StatusBadRequest, "invalid_request_error"},
	llm.BodyTooLarge:        {http.StatusRequestEntityTooLarge, "invalid_request_error"},
	llm.RequestTimeout:      {http.StatusRequestTimeout, "invalid_request_error"},
	llm.InvalidRequest:      {http.StatusBadRequest, "invalid_request_error"},
	llm.MethodNotAllowed:    {http.StatusMethodNotAllowed, "invalid_request_error"},
	llm.NotFound:            {http.StatusNotFound, "invalid_request_error"},
	llm.PromptNotFound:      {http.StatusNotFound, "invalid_request_error"},
	llm.PromptInvalid:       {http.StatusUnprocessableEntity, "invalid_request_error"},
	llm.Conflict:            {http.StatusConflict, "invalid_request_error"},
	llm.UpstreamUnavailable: {http.StatusBadGateway, "api_error"},
	llm.UpstreamTimeout:     {http.StatusGatewayTimeout, "api_error"},
	llm.StreamCut:           {http.StatusTooManyRequests, "insufficient_quota"},
	llm.RecordUnavailable:   {http.StatusServiceUnavailable, "api_error"},
	llm.ClientClosed:        {499, "api_error"},
	llm.Lost:                {http.StatusBadGateway, "api_error"},
	llm.Internal:            {http.StatusInternalServerError, "api_error"},
}

// Status is the HTTP status of a code. Unknown codes are 500.
func Status(code llm.Code) int {
	if r, ok := table[code]; ok {
		return r.status
	}
	return http.StatusInternalServerError
}

// Normal is the fault as it is recorded: its code as the type.
func Normal(f *llm.Fault) *llm.Error {
	status := Status(f.Code)
	retry := f.Code != llm.BudgetExceeded && (status == http.StatusTooManyRequests || status >= 500)
	return &llm.Error{Type: string(f.Code), Message: f.Message, Status: status, Retryable: retry}
}

// Body is the fault in the dialect's own shape.
func Body(f *llm.Fault, d llm.Dialect) []byte {
	r, ok := table[f.Code]
	if !ok {
		r = table[llm.Internal]
	}
	var v any
	if d == llm.Anthropic {
		v = map[string]any{"type": "error", "error": map[string]any{
			"type": anthropicType(r.status), "message": f.Message, "code": f.Code,
		}}
	} else {
		var param any
		if f.Param != "" {
			param = f.Param
		}
		v = map[string]any{"error": map[string]any{
			"message": f.Message, "type": r.kind, "param": param, "code": f.Code,
		}}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // it is read by people, and never as HTML
	_ = enc.Encode(v)        // strings cannot fail
	return b.Bytes()
}

// Write answers with the fault. Header must not be sent yet.
func Write(w http.ResponseWriter, f *llm.Fault, d llm.Dialect) {
	h := w.Header()
	maps.Copy(h, f.Header)
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	if f.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(f.RetryAfter.Seconds()))))
	}
	if f.Code == llm.BudgetExceeded {
		h.Set("X-Should-Retry", "false")
	}
	body := Body(f, d)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(Status(f.Code))
	_, _ = w.Write(body)
}

// anthropicType is Anthropic's error type for a status, as its API documents them.
func anthropicType(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "authentication_error"
	case http.StatusForbidden:
		return "permission_error"
	case http.StatusNotFound:
		return "not_found_error"
	case http.StatusRequestEntityTooLarge:
		return "request_too_large"
	case http.StatusTooManyRequests:
		return "rate_limit_error"
	case http.StatusGatewayTimeout:
		return "timeout_error"
	}
	if status >= 500 {
		return "api_error"
	}
	return "invalid_request_error"
}
