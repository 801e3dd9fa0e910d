package budget

import (
	"bytes"
	"fmt"
	"math"
	"strconv"

	"github.com/weir-dev/weir/internal/rawjson"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/llm/tokens"
	"github.com/weir-dev/weir/price"
)

const (
	// perRequest is added where a vocabulary is not known and each byte counts as a token: what providers put around
	// messages and, by Anthropic's documentation, up to 346 tokens before tools.
	perRequest = 512
	// countUpTo bounds the bodies whose tokens are counted for an expectation; of longer ones four bytes are a token.
	countUpTo = 16 << 10
	// defaultOutput is expected of a model that has not answered yet, when the call names no limit of its own.
	defaultOutput = 512
)

// estimate is what one attempt may cost. Both are worked out when they are first asked for.
type estimate struct {
	book    *price.Book
	learned *habits
	call    *llm.Call // as it would go to the target
	priceAs string
	read    bool
	asked   limits
	counted int64 // exact or above; -1: not yet
	prompt  int64 // as a vocabulary counts it; 0: not yet

	bound      Amount
	noBound    error
	noBoundUSD error
	bounded    bool
	expected   Amount
	noPrice    error
	expects    bool
	expectedIn int64 // tokens of the prompt within expected
	top        price.USD
	topKnown   bool
	ceiled     bool
	capped     []byte // body with a limit of output, when the call had none
}

// limits are the members of a body that bound its answer.
type limits struct {
	output      int64  // most output tokens of one answer; 0: not named
	field       string // where output would stand
	answers     int64  // n, best_of and prompts
	service     string
	unbounded   string // a member whose cost cannot be bounded
	audio       bool   // asks for audio, whose tokens cost more
	audioIn     bool
	cacheWrites bool
	cacheLong   bool
}

func newEstimate(book *price.Book, learned *habits, call *llm.Call, priceAs string) *estimate {
	return &estimate{book: book, learned: learned, call: call, priceAs: priceAs, counted: -1}
}

// free endpoints bill nothing.
func free(e llm.Endpoint) bool { return e == llm.Models || e == llm.CountTokens }

// readBody takes out of the body what bounds the answer.
func (e *estimate) readBody() *limits {
	if e.read {
		return &e.asked
	}
	e.read = true
	l := &e.asked
	l.answers, l.field = 1, outputField(e.call.Endpoint, e.priceAs)
	var n, best, prompts int64 = 1, 1, 1
	_ = rawjson.Scan(e.call.Body, func(key []byte, v rawjson.Value, _ int) bool { // the gateway has checked it
		switch string(key) {
		case "max_tokens", "max_completion_tokens", "max_output_tokens":
			most, ok := v.Int()
			known := string(key) == l.field || e.call.Endpoint == llm.ChatCompletions && string(key) != "max_output_tokens"
			if ok && known && most > 0 { // what the endpoint does not know bounds nothing
				l.output = max(l.output, most)
			}
		case "n":
			if many, ok := v.Int(); ok {
				n = max(1, many)
			}
		case "best_of":
			if many, ok := v.Int(); ok {
				best = max(1, many)
			}
		case "prompt":
			if e.call.Endpoint == llm.Completions && v.Kind() == rawjson.Array {
				prompts = 0
				v.Each(func(_ int, w rawjson.Value) bool {
					if w.Kind() == rawjson.Number { // one prompt, as token ids
						prompts = 1
						return false
					}
					prompts++
					return true
				})
				prompts = max(1, prompts)
			} else if v.Kind() == rawjson.Object {
				l.unbounded = "prompt"
			}
		case "service_tier", "speed":
			l.service, _ = v.Str()
		case "modalities":
			l.audio = bytes.Contains(v, []byte("audio"))
		case "previous_response_id", "conversation", "container", "mcp_servers", "web_search_options":
			if v.Kind() != rawjson.Null {
				l.unbounded = string(key)
			}
		case "tools":
			v.Each(func(_ int, w rawjson.Value) bool {
				switch kind, _ := w.Get("type").Str(); kind {
				case "", "function", "custom":
				default: // run by the provider, as often as it likes
					l.unbounded = "tools: " + kind
				}
				return true
			})
		}
		return true
	})
	l.answers = times(max(n, best), prompts)
	b := e.call.Body
	if bytes.Contains(b, []byte(`"file_id"`)) {
		l.unbounded = "file_id"
	}
	l.audioIn = bytes.Contains(b, []byte(`"input_audio"`))
	l.cacheWrites = bytes.Contains(b, []byte(`"cache_control"`))
	l.cacheLong = l.cacheWrites && bytes.Contains(b, []byte(`"1h"`))
	return l
}

// outputField is the member that bounds an answer, as the endpoint and the provider know it.
func outputField(e llm.Endpoint, priceAs string) string {
	switch e {
	case llm.ChatCompletions:
		if priceAs == "openai" || priceAs == "azure" {
			return "max_completion_tokens"
		}
		return "max_tokens"
	case llm.Completions, llm.Messages:
		return "max_tokens"
	case llm.Responses:
		return "max_output_tokens"
	}
	return ""
}

// input counts the prompt: exactly for known vocabularies, else from above.
func (e *estimate) input() int64 {
	if e.counted < 0 {
		n, known := e.request()
		if !known {
			n = max(n, int64(len(e.call.Body))) + perRequest
		}
		e.counted = n
	}
	return e.counted
}

// request counts the prompt by its model's vocabulary, or by a usual one when that is not known.
func (e *estimate) request() (n int64, known bool) {
	enc, known := tokens.For(e.call.Model)
	if e.prompt == 0 {
		e.prompt = int64(tokens.Request(string(e.call.Endpoint), enc, e.call.Body))
	}
	return e.prompt, known
}

// most is the upper bound of what the attempt costs. noBound says why it has none, noPrice why it has none in dollars. It
// may put a limit of output into the body.
func (e *estimate) most() (most Amount, noBound, noPrice error) {
	if !e.bounded {
		e.bounded = true
		e.workOutMost()
		e.bound.Calls = 1
	}
	return e.bound, e.noBound, e.noBoundUSD
}

func (e *estimate) workOutMost() {
	if e.call.Endpoint == llm.Passthrough {
		e.noBound = e.unmetered()
		return
	}
	l := e.readBody()
	if l.unbounded != "" {
		e.noBound = (&llm.Fault{Code: llm.InvalidRequest, Param: l.unbounded, Message: "the request has " + l.unbounded + ", whose cost has no bound"})
		return
	}
	in, out := e.input(), int64(0)
	if l.field != "" {
		limit := l.output
		if limit == 0 {
			entry, ok := e.book.Lookup(e.charge(llm.Usage{}, ""))
			if limit = entry.MaxOutput; !ok || limit <= 0 {
				e.noBound = &llm.Fault{Code: llm.InvalidRequest, Param: l.field, Message: fmt.Sprintf(
					"the request does not name %s, and the price book does not say how much %s can write", l.field, e.call.Model)}
				return
			}
			e.capped = rawjson.Set(e.call.Body, l.field, strconv.AppendInt(nil, limit, 10))
		}
		out = times(limit, l.answers)
	}
	e.bound.Tokens = add(in, out)
	e.bound.USD, e.noBoundUSD = e.dearest(in, out)
}

// dearest is the price of tokens in the buckets and at the service that cost the most of those that the request may be billed by.
func (e *estimate) dearest(in, out int64) (price.USD, error) {
	l := e.readBody()
	inputs := []llm.Usage{{InputUncached: in}}
	if l.audioIn {
		inputs = append(inputs, llm.Usage{InputAudio: in})
	}
	if l.cacheWrites {
		inputs = append(inputs, llm.Usage{CacheWrite5m: in})
	}
	if l.cacheLong {
		inputs = append(inputs, llm.Usage{CacheWrite1h: in})
	}
	outputs := []llm.Usage{{OutputText: out}, {Reasoning: out}}
	if l.audio {
		outputs = append(outputs, llm.Usage{OutputAudio: out})
	}
	services := []string{""}
	if l.service != "" {
		services = append(services, l.service)
	}
	if l.service == "auto" {
		services = append(services, "priority")
	}
	var most price.USD
	for _, service := range services {
		for _, i := range inputs {
			for _, o := range outputs {
				o.InputUncached, o.InputAudio, o.CacheWrite5m, o.CacheWrite1h = i.InputUncached, i.InputAudio, i.CacheWrite5m, i.CacheWrite1h
				usd, ok := e.book.Quote(e.charge(o, service)).Known()
				if !ok {
					return 0, e.unpriced()
				}
				most = max(most, usd)
			}
		}
	}
	return most, nil
}

func (e *estimate) charge(u llm.Usage, service string) price.Charge {
	return price.Charge{Provider: e.priceAs, Model: e.call.Model, Project: e.call.Project, Usage: u, ServiceTier: service, At: e.call.Start}
}

func (e *estimate) unpriced() error {
	return &llm.Fault{Code: llm.Unpriced, Param: "model", Message: fmt.Sprintf(
		"the model %s of %s has no price; set one with weir prices set %s %s --input … --output …", e.call.Model, e.priceAs, e.priceAs, e.call.Model)}
}

func (e *estimate) unmetered() error {
	return llm.Faultf(llm.EndpointDenied, "weir cannot meter /v1%s", e.call.Path)
}

// usual is what such calls cost as a rule, and an error when the model has no price.
func (e *estimate) usual() (Amount, error) {
	if e.expects {
		return e.expected, e.noPrice
	}
	e.expects = true
	e.expected.Calls = 1
	if e.call.Endpoint == llm.Passthrough {
		e.noPrice = e.unmetered()
		return e.expected, e.noPrice
	}
	l := e.readBody()
	in, out := e.usualInput(), int64(0)
	if l.field != "" {
		one, known := e.learned.usual(e.call.Model)
		switch {
		case known && l.output > 0:
			one = min(one, l.output)
		case !known && l.output > 0:
			one = l.output
		case !known:
			one = defaultOutput
		}
		out = times(one, l.answers)
	}
	usd, ok := e.book.Quote(e.charge(llm.Usage{InputUncached: in, OutputText: out}, l.service)).Known()
	if !ok {
		e.noPrice = e.unpriced()
	}
	e.expected.Tokens, e.expectedIn = add(in, out), in
	if ok {
		e.expected.USD = usd
	}
	return e.expected, e.noPrice
}

// usualInput is how many tokens the prompt is likely to be. Counting them would be half of the cost of a hold, so it is done
// only until the model is known, and where a body's bytes say little.
func (e *estimate) usualInput() int64 {
	body := e.call.Body
	if !dense(body) {
		if n, ok := e.learned.input(e.call.Model, len(body)); ok {
			return n
		}
		if len(body) > countUpTo {
			return int64(len(body) / 4)
		}
	}
	n, _ := e.request()
	return n
}

// dense bodies hold images, which are fewer tokens than their bytes.
func dense(body []byte) bool { return bytes.Contains(body, []byte(";base64,")) }

// split gives the input and the output tokens of an amount of this estimate.
func (e *estimate) split(a Amount) (in, out int64) {
	in = e.expectedIn
	if e.bounded && a.Tokens == e.bound.Tokens {
		in = max(e.counted, 0)
	}
	return in, max(0, a.Tokens-in)
}

func times(a, b int64) int64 {
	if a > 0 && b > math.MaxInt64/a {
		return math.MaxInt64
	}
	return a * b
}
