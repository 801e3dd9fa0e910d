package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/weir-dev/weir/bench/load"
	"github.com/weir-dev/weir/bench/mock"
)

// The ways to send load.
const (
	closedLoop = "closed"  // so many connections, each sends when it is answered
	openLoop   = "open"    // so many requests a second, whatever happens
	maxRate    = "maxrate" // the highest of these that is sustained
)

// scenario is one kind of load.
type scenario struct {
	Name      string        `json:"name"`
	Title     string        `json:"title"`
	Mode      string        `json:"mode"`
	Conns     int           `json:"connections"` // open loop: the most there may be
	Rate      float64       `json:"rate,omitempty"`
	Path      string        `json:"path"`
	Model     string        `json:"model"`
	Stream    bool          `json:"stream,omitempty"`
	BodyBytes int           `json:"body_bytes"` // of a request, about
	Mock      mock.Settings `json:"mock"`
	AtLeast   time.Duration `json:"at_least_ns,omitempty"` // a round must be this long to mean something
}

const (
	chatPath       = "/v1/chat/completions"
	embeddingsPath = "/v1/embeddings"
)

// scenarios are all there are. A function makes the list, so that each use has its own.
func scenarios() []scenario {
	at := func(latency time.Duration) mock.Settings {
		s := mock.Default()
		s.Latency = latency
		return s
	}
	paced := mock.Default()
	paced.Chunks, paced.First, paced.Inter = 50, 20*time.Millisecond, 10*time.Millisecond
	chat := scenario{Path: chatPath, Model: "gpt-4o-mini", BodyBytes: 1000, Mock: at(0)}
	with := func(change func(*scenario)) scenario {
		s := chat
		change(&s)
		return s
	}
	return []scenario{
		with(func(s *scenario) {
			s.Name, s.Title, s.Mode, s.Conns = "one", "1 connection, 1 KB prompts, upstream answers at once", closedLoop, 1
		}),
		with(func(s *scenario) {
			s.Name, s.Title, s.Mode, s.Conns = "sixteen", "16 connections, 1 KB prompts, upstream answers at once (saturated)", closedLoop, 16
		}),
		with(func(s *scenario) {
			s.Name, s.Title, s.Mode, s.Conns = "streams", "64 streams of 50 chunks, the first after 20 ms, then one every 10 ms", closedLoop, 64
			s.Stream, s.Mock, s.AtLeast = true, paced, 2500*time.Millisecond
		}),
		with(func(s *scenario) {
			s.Name, s.Title, s.Mode, s.Conns = "large", "16 connections, 100 KB prompts, upstream answers at once (saturated)", closedLoop, 16
			s.BodyBytes = 100_000
		}),
		with(func(s *scenario) {
			s.Name, s.Title, s.Mode, s.Conns = "open", "500 requests a second, 1 KB prompts, upstream takes 50 ms", openLoop, 1024
			s.Rate, s.Mock = 500, at(50*time.Millisecond)
		}),
		with(func(s *scenario) {
			s.Name, s.Title, s.Mode, s.Conns = "maxrate", "the highest rate sustained, 1 KB prompts, upstream takes 50 ms", maxRate, 2048
			s.Mock, s.AtLeast = at(50*time.Millisecond), 2*time.Second
		}),
		with(func(s *scenario) {
			s.Name, s.Title, s.Mode, s.Conns = "embeddings", "16 connections, embeddings of 1 KB texts, upstream answers at once (saturated)", closedLoop, 16
			s.Path, s.Model = embeddingsPath, "text-embedding-3-small"
		}),
	}
}

func scenarioNames() []string {
	var names []string
	for _, s := range scenarios() {
		names = append(names, s.Name)
	}
	return names
}

// defaultScenarios are those that run when none is named. The search for the highest rate alone would take longer than
// a short run may.
func defaultScenarios(short bool) []string {
	if short {
		return []string{"one", "sixteen", "streams", "large", "open"}
	}
	return []string{"one", "sixteen", "streams", "large", "open", "maxrate"}
}

func findScenario(name string) (scenario, bool) {
	for _, s := range scenarios() {
		if s.Name == name {
			return s, true
		}
	}
	return scenario{}, false
}

// body is the request's, of about BodyBytes, with quotes, line breaks and letters beyond ASCII as prompts have.
func (s scenario) body() []byte {
	const text = `The quick brown fox said \"jump\" over the lazy dog.\nZwölf Boxkämpfer jagen Viktor quer über den Sylter Deich — 42 times.\t`
	var open, end string
	if s.Path == embeddingsPath {
		open, end = fmt.Sprintf(`{"model":%q,"input":"%s `, s.Model, load.Hole), `"}`
	} else {
		stream := ""
		if s.Stream {
			// Asked for by the client, so that all ways get the same bytes.
			stream = `"stream":true,"stream_options":{"include_usage":true},`
		}
		open = fmt.Sprintf(`{"model":%q,%s"temperature":0.7,"max_tokens":512,"messages":[{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":"%s `,
			s.Model, stream, load.Hole)
		end = `"}]}`
	}
	repeats := max(0, (s.BodyBytes-len(open)-len(end))/len(text))
	return []byte(open + strings.Repeat(text, repeats) + end)
}
