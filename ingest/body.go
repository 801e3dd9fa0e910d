package ingest

import (
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/weir-dev/weir/internal/rawjson"
	"github.com/weir-dev/weir/llm"
)

// readBody reads the request's body once, within the bound, and of a modelled endpoint the few members weir needs.
// Unknown members pass untouched.
func (g *Gateway) readBody(call *llm.Call, w http.ResponseWriter, r *http.Request) *llm.Fault {
	if r.Method == http.MethodGet || r.Method == http.MethodHead || r.Body == nil || r.Body == http.NoBody {
		if call.Endpoint != llm.Models && call.Endpoint != llm.Passthrough {
			return llm.Faultf(llm.InvalidRequest, "the request has no body; %s wants a JSON object", call.Endpoint)
		}
		return nil
	}
	if r.ContentLength > g.cfg.MaxBody {
		return g.tooLarge()
	}
	body, err := readAll(http.MaxBytesReader(w, r.Body, g.cfg.MaxBody), r.ContentLength)
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return g.tooLarge()
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return llm.Faultf(llm.RequestTimeout, "the body did not come whole in time; the bound is timeouts.request in the configuration").Because(err)
		}
		if r.Context().Err() != nil {
			return llm.Faultf(llm.ClientClosed, "the client went away while it was sending").Because(err)
		}
		return llm.Faultf(llm.InvalidRequest, "the body could not be read to its end; its length or encoding is not what the headers say").Because(err)
	}
	call.Body = body
	if call.Endpoint == llm.Passthrough {
		if firstByte(body) == '{' {
			_ = rawjson.Scan(body, memberOfUnmodelled(call)) // what it can tell is welcome; what is wrong with it is the provider's to say
		}
		return nil
	}
	return readMembers(call)
}

func (g *Gateway) tooLarge() *llm.Fault {
	return llm.Faultf(llm.BodyTooLarge, "the body is larger than %d bytes; the bound is max_body in the configuration", g.cfg.MaxBody)
}

// unseen bounds the memory that is set aside for bytes that were announced and may never come.
const unseen = 256 << 10

// readAll reads to the end into one buffer of the announced size; a large one grows as it is filled. Beside an error it gives what
// came before it.
func readAll(r io.Reader, announced int64) ([]byte, error) {
	size := int64(8 << 10)
	if announced > 0 {
		size = min(announced, unseen) + 1 // room to see the end without growing
	}
	buf := make([]byte, 0, size)
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
		if len(buf) == cap(buf) {
			more := cap(buf)
			if rest := announced + 1 - int64(len(buf)); rest > 0 {
				more = int(min(rest, int64(more)))
			}
			buf = slices.Grow(buf, more)
		}
	}
}

// memberOfUnmodelled visits the members of a body that weir does not model.
func memberOfUnmodelled(call *llm.Call) func([]byte, rawjson.Value, int) bool {
	return func(key []byte, v rawjson.Value, _ int) bool {
		if string(key) == "model" {
			call.Model, _ = v.Str()
		}
		return true
	}
}

// readMembers checks the body of a modelled endpoint and takes out what weir needs.
func readMembers(call *llm.Call) *llm.Fault {
	var wrong *llm.Fault
	var metadata rawjson.Value
	var user, safety string
	seenModel := false
	err := rawjson.ScanUnique(call.Body, func(key []byte, v rawjson.Value, _ int) bool {
		switch string(key) {
		case "model":
			seenModel = true
			var ok bool
			if call.Model, ok = v.Str(); !ok {
				wrong = wrongType("model", "a string", v)
			}
		case "stream":
			if v.Kind() == rawjson.Null {
				break
			}
			var ok bool
			if call.Stream, ok = v.Bool(); !ok {
				wrong = wrongType("stream", "true or false", v)
			}
		case "stream_options":
			call.AskedUsage, _ = v.Get("include_usage").Bool()
		case "user":
			user, _ = v.Str()
		case "safety_identifier":
			safety, _ = v.Str()
		case "metadata":
			metadata = v
		case "prompt":
			wrong = readPrompt(call, v)
		}
		return wrong == nil
	})
	if err != nil {
		return badJSON(err)
	}
	if first := firstByte(call.Body); first != '{' {
		return llm.Faultf(llm.InvalidRequest, "the body is not a JSON object")
	}
	if wrong != nil {
		return wrong
	}
	if (!seenModel || strings.TrimSpace(call.Model) == "") && call.Prompt == "" { // a prompt may name one
		return &llm.Fault{Code: llm.InvalidRequest, Param: "model", Message: "the request names no model"}
	}
	if call.User == "" {
		if user == "" {
			user = safety
		}
		call.User = field(user)
	}
	if metadata.Kind() == rawjson.Object {
		tagJSON(call, metadata)
	}
	return nil
}

// readPrompt takes the name of a prompt out of a body's member prompt. Elsewhere than in requests of messages, and when it
// is no object, the member is not weir's.
func readPrompt(call *llm.Call, v rawjson.Value) *llm.Fault {
	switch call.Endpoint {
	case llm.ChatCompletions, llm.Responses, llm.Messages, llm.CountTokens:
	default:
		return nil
	}
	id := v.Get("id")
	if id.Kind() == rawjson.Absent || id.Kind() == rawjson.Null {
		return nil
	}
	name, ok := id.Str()
	if !ok {
		return wrongType("prompt.id", "a string", id)
	}
	if name = strings.TrimSpace(name); name != "" {
		call.Prompt = name
	}
	return nil
}

func firstByte(b []byte) byte {
	for _, c := range b {
		switch c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

func wrongType(param, want string, v rawjson.Value) *llm.Fault {
	return &llm.Fault{Code: llm.InvalidRequest, Param: param, Message: param + " must be " + want + ", not " + kindName(v.Kind())}
}

func badJSON(err error) *llm.Fault {
	if d, ok := errors.AsType[*rawjson.DuplicateKeyError](err); ok {
		return (&llm.Fault{Code: llm.InvalidRequest, Param: d.Key, Message: "the body names the member " + strconv.Quote(d.Key) + " twice; send it once"}).Because(err)
	}
	return llm.Faultf(llm.InvalidRequest, "the body is not valid JSON: %v", err).Because(err)
}

func kindName(k rawjson.Kind) string {
	switch k {
	case rawjson.Null:
		return "null"
	case rawjson.Bool:
		return "true or false"
	case rawjson.Number:
		return "a number"
	case rawjson.String:
		return "a string"
	case rawjson.Array:
		return "an array"
	case rawjson.Object:
		return "an object"
	}
	return "nothing"
}
