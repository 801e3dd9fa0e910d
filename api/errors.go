package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/internal/httperr"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// awayRetry is when a store that is away is worth asking again.
const awayRetry = 5 * time.Second

// bad is a fault of the request in one parameter or field of its body.
func bad(param, format string, args ...any) *llm.Fault {
	f := llm.Faultf(llm.InvalidRequest, format, args...)
	f.Param = param
	return f
}

// fail writes an error as the answer. What the client cannot mend is logged under the request's id.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	f := faultOf(err)
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		f = llm.Faultf(llm.ClientClosed, "the client left before the answer was there")
	}
	if f.Code == llm.Internal {
		a.cfg.Log.Error("request failed", "method", r.Method, "path", r.URL.Path, "request", w.Header().Get("X-Request-Id"), "error", err)
	}
	if f.Code == llm.Unauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	httperr.Write(w, f, llm.OpenAI)
}

// faultOf finds the fault for the errors of the stores.
func faultOf(err error) *llm.Fault {
	if f, ok := errors.AsType[*llm.Fault](err); ok {
		return f
	}
	switch {
	case errors.Is(err, trace.ErrAway):
		f := llm.Faultf(llm.RecordUnavailable, "the store of records cannot be reached at the moment; calls are served and kept meanwhile, and can be read when it is back (%s/system says how it is)", prefix)
		f.RetryAfter = awayRetry
		return f.Because(err)
	case errors.Is(err, trace.ErrBadCursor):
		return bad("cursor", "the cursor is not one of this list: use the next of an answer with the same filters and the same order, or leave it out to begin with the first page").Because(err)
	case errors.Is(err, trace.ErrNoCall):
		return llm.Faultf(llm.NotFound, "no call has this id: it never was, or it is older than what is kept").Because(err)
	case errors.Is(err, ErrNotQuarantined):
		return llm.Faultf(llm.NotFound, "no record in quarantine has this id; GET %s/spool/quarantine lists them", prefix).Because(err)
	case errors.Is(err, ErrUndecodable):
		return bad("id", "the bytes of this record are none that this weir can read, so that it cannot be resent; keep it for a newer weir, or discard it").Because(err)
	case errors.Is(err, ErrSpoolFull):
		f := llm.Faultf(llm.RecordUnavailable, "the spool has no room for the record, which stays in quarantine; free disk space or raise spool.max_disk, then resend it")
		f.RetryAfter = awayRetry
		return f.Because(err)
	case errors.Is(err, price.ErrBudget):
		return llm.Faultf(llm.InvalidRequest, "%v", err)
	case errors.Is(err, price.ErrNoBudget):
		return llm.Faultf(llm.NotFound, "no budget has this id; GET %s/budgets lists them", prefix).Because(err)
	case errors.Is(err, price.ErrBudgetTaken):
		return bad("name", "a budget of this name is there already: choose another name, or change that one with PUT %s/budgets/{id}", prefix).Because(err)
	case errors.Is(err, price.ErrEventCursor):
		return bad("cursor", "the cursor is not one of this list: use the next of an answer with the same filters, or leave it out to begin at the newest").Because(err)
	case errors.Is(err, ErrNoHold):
		return llm.Faultf(llm.NotFound, "no hold has this id: its call has ended, or it was released; GET %s/budgets/holds lists them", prefix).Because(err)
	case errors.Is(err, account.ErrNoMember):
		return llm.Faultf(llm.NotFound, "no member has this id or name; GET %s/members lists them", prefix).Because(err)
	case errors.Is(err, account.ErrMemberTaken):
		return bad("name", "a member has or had this name, which stands under what was done with it: choose another").Because(err)
	case errors.Is(err, account.ErrNoKey):
		return llm.Faultf(llm.NotFound, "no key has this id; GET %s/keys lists them", prefix).Because(err)
	case errors.Is(err, account.ErrNameTaken):
		return bad("name", "the project has a live key of this name: choose another name, revoke that key, or rotate it").Because(err)
	}
	if f := experimentFault(err); f != nil {
		return f
	}
	if f := promptFault(err); f != nil {
		return f
	}
	return llm.AsFault(err)
}

// read decodes a request's JSON body strictly: one value, fields that are known, nothing after it.
func read(r *http.Request, into any) error {
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	if err == nil {
		var more json.RawMessage
		if more, err = nil, dec.Decode(&more); errors.Is(err, io.EOF) {
			return nil
		} else if err == nil {
			return llm.Faultf(llm.InvalidRequest, "the body holds more than one JSON value; send one object")
		}
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return llm.Faultf(llm.BodyTooLarge, "the body is larger than the %d bytes that the API takes", tooLarge.Limit)
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return bad(wrong.Field, "the field %s cannot be a JSON %s", wrong.Field, wrong.Value)
	}
	if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return bad(clip(strings.Trim(field, `"`)), "%s is no field of this request", clip(field))
	}
	switch {
	case errors.Is(err, io.EOF):
		return llm.Faultf(llm.InvalidRequest, "the body is empty; send a JSON object")
	case r.Context().Err() != nil:
		return err
	}
	return llm.Faultf(llm.InvalidRequest, "the body is not what this request wants: %s", clip(err.Error()))
}
