package llm

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Error is what went wrong with a call, in one form for all providers and for weir itself. It is recorded and
// shown; see Fault for the Go error.
type Error struct {
	Type      string `json:"type"`      // the provider's own type or code, http_<status>, or one of weir's codes
	Message   string `json:"message"`   // without secrets; may be empty
	Status    int    `json:"status"`    // HTTP status, as if the answer had carried it
	Retryable bool   `json:"retryable"` // whether the class of error may pass; says nothing about this call
}

// Code is one of weir's own stable error codes, as clients see them.
type Code string

// Weir's codes. internal/httperr maps each to an HTTP status.
const (
	Unauthorized        Code = "weir_unauthorized"
	Forbidden           Code = "weir_forbidden"
	EndpointDenied      Code = "weir_endpoint_denied"
	BudgetExceeded      Code = "weir_budget_exceeded"
	BudgetUnavailable   Code = "weir_budget_unavailable" // nobody can tell whether a budget has room, and it holds that the call is refused then
	RateLimited         Code = "weir_rate_limited"
	ModelUnknown        Code = "weir_model_unknown"
	Unpriced            Code = "weir_unpriced"
	BodyTooLarge        Code = "weir_body_too_large"
	RequestTimeout      Code = "weir_request_timeout" // the request did not come whole in time
	InvalidRequest      Code = "weir_invalid_request"
	MethodNotAllowed    Code = "weir_method_not_allowed"
	NotFound            Code = "weir_not_found"
	PromptNotFound      Code = "weir_prompt_not_found"
	PromptInvalid       Code = "weir_prompt_invalid"
	Conflict            Code = "weir_conflict" // what the request was made to has changed, or is not as it must be
	UpstreamUnavailable Code = "weir_upstream_unavailable"
	UpstreamTimeout     Code = "weir_upstream_timeout"
	StreamCut           Code = "weir_stream_cut"
	RecordUnavailable   Code = "weir_record_unavailable" // the record could not be kept and the configuration says to refuse then
	ClientClosed        Code = "weir_client_closed"
	Lost                Code = "weir_lost"
	Internal            Code = "weir_internal"
)

// Fault is weir's own refusal or failure. Its message is for the client: it names the thing and the remedy and holds
// no secret. Err is for the operator's log.
type Fault struct {
	Code       Code
	Message    string
	Param      string        // the request field at fault, or ""
	RetryAfter time.Duration // > 0: when it is worth trying again
	Header     http.Header   // beside those that every refusal has; nil: none
	Attempts   []Attempt     // tries made before giving up
	Err        error
}

// Faultf makes a Fault with a formatted message.
func Faultf(code Code, format string, args ...any) *Fault {
	return &Fault{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Because adds the operator's cause.
func (f *Fault) Because(err error) *Fault { f.Err = err; return f }

// Error joins code, message and cause.
func (f *Fault) Error() string {
	if f.Err != nil {
		return fmt.Sprintf("%s: %s: %v", f.Code, f.Message, f.Err)
	}
	return fmt.Sprintf("%s: %s", f.Code, f.Message)
}

// Unwrap gives the cause.
func (f *Fault) Unwrap() error { return f.Err }

// AsFault finds the Fault in err's chain; any other error becomes Internal with a safe sentence.
func AsFault(err error) *Fault {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f
	}
	return &Fault{Code: Internal, Message: "weir could not handle this request; the operator's log has the cause under this request's id", Err: err}
}
