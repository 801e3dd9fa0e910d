package simulator

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
)

// maxBody bounds a request body, in bytes.
const maxBody = 32 << 20

// Config says what a Simulator is like. The zero value is a provider without a key that never waits and never fails.
type Config struct {
	Seed      uint64      // of every answer, identifier and delay
	Speed     float64     // waits are multiplied by it: 1 is real time, 0.1 ten times faster, 0 never waits
	APIKey    string      // what clients must send as a bearer token or api-key; empty: anything goes
	ErrorRate float64     // share of requests answered with an error, 0 to 1; drawn by order of arrival, so a retry may pass
	Errors    []ErrorRate // the mix of those errors; empty: DefaultErrors
	Models    []string    // further chat models, beside the catalogue
	Behaviour Behaviour   // what requests get that carry no directive
}

// ErrorRate is one kind of error and its share among the errors.
type ErrorRate struct {
	Status int
	Weight float64
}

// DefaultErrors is the mix of errors a busy provider shows.
func DefaultErrors() []ErrorRate {
	return []ErrorRate{{429, .5}, {500, .25}, {503, .15}, {400, .1}}
}

// Simulator answers like a provider. It is an http.Handler and safe for concurrent use.
type Simulator struct {
	cfg    Config
	models map[string]model
	mux    *http.ServeMux

	requests, streams, failed, cancelled, cut atomic.Int64
	promptTokens, completionTokens            atomic.Int64
}

var _ http.Handler = (*Simulator)(nil)

// New makes a Simulator.
func New(cfg Config) *Simulator {
	if len(cfg.Errors) == 0 {
		cfg.Errors = DefaultErrors()
	}
	s := &Simulator{cfg: cfg, models: index(cfg.Models), mux: http.NewServeMux()}
	s.mux.HandleFunc("/v1/chat/completions", s.post(s.chat))
	s.mux.HandleFunc("/v1/completions", s.post(s.complete))
	s.mux.HandleFunc("/v1/responses", s.post(s.respond))
	s.mux.HandleFunc("/v1/embeddings", s.post(s.embed))
	s.mux.HandleFunc("/v1/moderations", s.post(s.moderate))
	s.mux.HandleFunc("/v1/models", s.get(s.listModels))
	s.mux.HandleFunc("/v1/models/{id...}", s.get(s.showModel))
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, notFound("Invalid URL ("+r.Method+" "+r.URL.Path+")"))
	})
	return s
}

// Stats counts what a Simulator has done since it was made.
type Stats struct {
	Requests  int64 // every request, whatever came of it
	Streams   int64 // answers begun as a stream
	Failed    int64 // answered with an error, asked for or not
	Cancelled int64 // the client went away before the end
	Cut       int64 // connections dropped on purpose

	PromptTokens     int64 // of answers delivered in full, as reported in their usage
	CompletionTokens int64
}

// Stats returns the counters.
func (s *Simulator) Stats() Stats {
	return Stats{
		Requests: s.requests.Load(), Streams: s.streams.Load(), Failed: s.failed.Load(),
		Cancelled: s.cancelled.Load(), Cut: s.cut.Load(),
		PromptTokens: s.promptTokens.Load(), CompletionTokens: s.completionTokens.Load(),
	}
}

// Requests returns how many requests have arrived.
func (s *Simulator) Requests() int64 { return s.requests.Load() }

// ServeHTTP answers one request. It panics with http.ErrAbortHandler to drop a connection, as a directive may ask.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	s.mux.ServeHTTP(w, r)
}

// exchange is one request on its way through a handler: its body, its directives, its dice.
type exchange struct {
	w     http.ResponseWriter
	r     *http.Request
	ctx   context.Context
	body  []byte
	dice  *rand.Rand
	model model
	b     Behaviour
	pace  pace
}

// post wraps the handler of an endpoint that takes a JSON body and names a model: it checks the key, reads the body,
// applies the directives, and lets chosen requests fail.
func (s *Simulator) post(handle func(*exchange) error) http.HandlerFunc {
	return s.method(http.MethodPost, func(w http.ResponseWriter, r *http.Request) error {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
				return &apiError{status: 413, kind: "invalid_request_error", message: "The request body is larger than " + strconv.FormatInt(tooLarge.Limit, 10) + " bytes."}
			}
			return err
		}
		var head struct {
			Model    string                     `json:"model"`
			Metadata map[string]json.RawMessage `json:"metadata"`
		}
		if err := decode(body, &head); err != nil {
			return err
		}
		b, err := behave(s.cfg.Behaviour, head.Model, stringsOf(head.Metadata), r.Header)
		if err != nil {
			return invalid("metadata", err.Error())
		}
		x := &exchange{w: w, r: r, ctx: r.Context(), body: body, b: b, dice: dice(s.cfg.Seed, r.URL.Path, body)}
		w.Header().Set("X-Request-Id", "req_"+hexID(x.dice, 32))
		w.Header().Set("Openai-Version", "2020-10-01")
		if head.Model == "" && r.URL.Path == "/v1/moderations" {
			head.Model = "omni-moderation-latest"
		}
		if head.Model == "" {
			return &apiError{status: 400, kind: "invalid_request_error", message: "you must provide a model parameter"}
		}
		m, ok := s.lookup(head.Model)
		if !ok {
			return modelNotFound(head.Model)
		}
		x.model = m
		x.pace = s.pace(m, b, x.dice)
		if b.Hang && b.HangAfter == 0 {
			<-x.ctx.Done()
			return x.ctx.Err()
		}
		if status := s.doom(b); status != 0 {
			if err := x.pace.start(x.ctx, 0); err != nil { //nolint:contextcheck // it is the request's
				return err
			}
			return injected(status, m.id)
		}
		rateLimits(w.Header(), m, len(body))
		return handle(x)
	})
}

// get wraps the handler of an endpoint without a body.
func (s *Simulator) get(handle func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return s.method(http.MethodGet, handle)
}

// method checks the method and the key, and writes the error a handler returns.
func (s *Simulator) method(want string, handle func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != want && (want != http.MethodGet || r.Method != http.MethodHead) {
			w.Header().Set("Allow", want)
			s.fail(w, methodNotAllowed(r.Method))
			return
		}
		if err := s.authorize(r.Header); err != nil {
			s.fail(w, err)
			return
		}
		if err := handle(w, r); err != nil {
			if r.Context().Err() != nil {
				s.cancelled.Add(1)
				return
			}
			s.fail(w, err)
		}
	}
}

func (s *Simulator) authorize(h http.Header) error {
	if s.cfg.APIKey == "" {
		return nil
	}
	key, _ := strings.CutPrefix(h.Get("Authorization"), "Bearer ")
	if key == "" {
		key = h.Get("Api-Key")
	}
	if key == "" {
		return noKey()
	}
	if subtle.ConstantTimeCompare([]byte(key), []byte(s.cfg.APIKey)) != 1 {
		return wrongKey(key)
	}
	return nil
}

// doom returns the error status this request is to fail with, or 0.
func (s *Simulator) doom(b Behaviour) int {
	if b.Status != 0 {
		return b.Status
	}
	if s.cfg.ErrorRate <= 0 {
		return 0
	}
	r := rand.New(rand.NewPCG(s.cfg.Seed, uint64(s.requests.Load())))
	if r.Float64() >= s.cfg.ErrorRate {
		return 0
	}
	var total float64
	for _, e := range s.cfg.Errors {
		total += e.Weight
	}
	at := r.Float64() * total
	for _, e := range s.cfg.Errors {
		if at -= e.Weight; at < 0 {
			return e.Status
		}
	}
	return s.cfg.Errors[len(s.cfg.Errors)-1].Status
}

// bill adds a delivered usage to the counters.
func (s *Simulator) bill(prompt, completion int) {
	s.promptTokens.Add(int64(prompt))
	s.completionTokens.Add(int64(completion))
}

// dice is the generator of one request: the same seed, path and body throw the same numbers.
func dice(seed uint64, path string, body []byte) *rand.Rand {
	h := sha256.New()
	h.Write(binary.LittleEndian.AppendUint64(nil, seed))
	h.Write([]byte(path))
	h.Write(body)
	sum := h.Sum(nil)
	return rand.New(rand.NewPCG(binary.LittleEndian.Uint64(sum), binary.LittleEndian.Uint64(sum[8:])))
}

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// newID returns n letters and digits.
func newID(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

// hexID returns n hexadecimal digits.
func hexID(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "0123456789abcdef"[r.IntN(16)]
	}
	return string(b)
}

// rateLimits sets the headers that tell a client how much it has left this minute.
func rateLimits(h http.Header, m model, size int) {
	const requests, tokens = 10_000, 2_000_000
	used := size/4 + 1
	h.Set("X-Ratelimit-Limit-Requests", strconv.Itoa(requests))
	h.Set("X-Ratelimit-Remaining-Requests", strconv.Itoa(requests-1))
	h.Set("X-Ratelimit-Reset-Requests", "6ms")
	h.Set("X-Ratelimit-Limit-Tokens", strconv.Itoa(tokens))
	h.Set("X-Ratelimit-Remaining-Tokens", strconv.Itoa(max(0, tokens-used)))
	h.Set("X-Ratelimit-Reset-Tokens", strconv.Itoa(used*60_000/tokens)+"ms")
	h.Set("Openai-Organization", m.owner)
}

// stringsOf keeps the entries of a metadata object that are strings.
func stringsOf(m map[string]json.RawMessage) map[string]string {
	out := make(map[string]string, len(m))
	for k, raw := range m {
		var v string
		if json.Unmarshal(raw, &v) == nil {
			out[k] = v
		}
	}
	return out
}
