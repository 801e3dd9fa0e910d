package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// apiError is an error as OpenAI words it.
type apiError struct {
	status  int
	kind    string // error.type
	message string
	param   string // empty: null
	code    string // empty: null
	html    bool   // a page instead of JSON, as a load balancer gives
}

func (e *apiError) Error() string { return fmt.Sprintf("%d %s: %s", e.status, e.kind, e.message) }

// body is the error's JSON object.
func (e *apiError) body() any {
	type inner struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    *string `json:"code"`
	}
	return struct {
		Error inner `json:"error"`
	}{inner{e.message, e.kind, orNull(e.param), orNull(e.code)}}
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func invalid(param, message string) *apiError {
	return &apiError{status: 400, kind: "invalid_request_error", message: message, param: param, code: "invalid_value"}
}

func missing(param string) *apiError {
	return &apiError{status: 400, kind: "invalid_request_error", message: "Missing required parameter: '" + param + "'.", param: param, code: "missing_required_parameter"}
}

func notFound(message string) *apiError {
	return &apiError{status: 404, kind: "invalid_request_error", message: message}
}

func modelNotFound(id string) *apiError {
	return &apiError{status: 404, kind: "invalid_request_error", message: "The model `" + id + "` does not exist or you do not have access to it.", code: "model_not_found"}
}

func methodNotAllowed(method string) *apiError {
	return &apiError{status: 405, kind: "invalid_request_error", message: "Not allowed to " + method + " on this endpoint.", code: "method_not_supported"}
}

func noKey() *apiError {
	return &apiError{status: 401, kind: "invalid_request_error", message: "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."}
}

// wrongKey names the key by its ends only.
func wrongKey(key string) *apiError {
	masked := strings.Repeat("*", len(key))
	if len(key) > 16 {
		masked = key[:3] + strings.Repeat("*", len(key)-7) + key[len(key)-4:]
	}
	return &apiError{status: 401, kind: "invalid_request_error", message: "Incorrect API key provided: " + masked + ".", code: "invalid_api_key"}
}

// injected is the error of a request that was chosen to fail.
func injected(status int, modelID string) *apiError {
	switch status {
	case http.StatusBadRequest:
		return invalid("messages", "The request was rejected by the simulated provider as invalid.")
	case http.StatusUnauthorized:
		return &apiError{status: status, kind: "invalid_request_error", message: "Incorrect API key provided.", code: "invalid_api_key"}
	case http.StatusForbidden:
		return &apiError{status: status, kind: "invalid_request_error", message: "Country, region, or territory not supported.", code: "unsupported_country_region_territory"}
	case http.StatusNotFound:
		return modelNotFound(modelID)
	case http.StatusTooManyRequests:
		return &apiError{status: status, kind: "tokens", code: "rate_limit_exceeded", message: "Rate limit reached for " + modelID + " on tokens per min (TPM): Limit 60000, Used 59810, Requested 420. Please try again in 230ms."}
	case http.StatusServiceUnavailable:
		return &apiError{status: status, html: true}
	case http.StatusInternalServerError:
		return &apiError{status: status, kind: "server_error", message: "The server had an error while processing your request. Sorry about that!"}
	default:
		kind := "invalid_request_error"
		if status >= 500 {
			kind = "server_error"
		}
		return &apiError{status: status, kind: kind, message: http.StatusText(status) + "."}
	}
}

// fail writes err; one that is not an apiError reads as a broken server.
func (s *Simulator) fail(w http.ResponseWriter, err error) {
	s.failed.Add(1)
	e, ok := errors.AsType[*apiError](err)
	if !ok {
		e = &apiError{status: 500, kind: "server_error", message: "The server had an error while processing your request."}
	}
	h := w.Header()
	if e.status == http.StatusTooManyRequests {
		h.Set("Retry-After", "1")
		h.Set("Retry-After-Ms", "230")
		h.Set("X-Ratelimit-Remaining-Tokens", "190")
	}
	if e.html {
		h.Set("Content-Type", "text/html")
		w.WriteHeader(e.status)
		fmt.Fprintf(w, "<html><head><title>%[1]d %[2]s</title></head><body><h1>%[1]d %[2]s</h1></body></html>\n", e.status, http.StatusText(e.status))
		return
	}
	h.Set("Content-Type", "application/json")
	w.WriteHeader(e.status)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(e.body()) // the client may be gone; there is no one else to tell
}

// decode reads a JSON object and words a failure as the provider would.
func decode(body []byte, into any) error {
	err := json.Unmarshal(body, into)
	if err == nil {
		return nil
	}
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && t.Field != "" {
		return &apiError{status: 400, kind: "invalid_request_error", message: fmt.Sprintf("Invalid type for '%s': expected %s, but got %s instead.", t.Field, t.Type, t.Value), param: t.Field, code: "invalid_type"}
	}
	return &apiError{status: 400, kind: "invalid_request_error", message: "We could not parse the JSON body of your request. The API expects a JSON payload, but what was sent was not valid JSON."}
}
