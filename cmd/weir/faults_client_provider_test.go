package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// What a prompt can ask of the played provider. Its answer is the word river, providerWords times, one to an event.
const (
	answerAtOnce = "answer at once"
	answerPaced  = "answer with pauses"
	answerLate   = "answer late"
	holdAll      = "answer nothing"
	holdTheRest  = "answer one event and no more"
	holdTheEnd   = "answer all but the terminal event"
	flood        = "answer without end"
)

const (
	providerWords  = 40
	providerPrompt = 11 // tokens, as it reports them
	pauseBetween   = 500 * time.Microsecond
)

// playedProvider is a provider that does what the prompt says and remembers what came of it, by the call's user.
type playedProvider struct {
	*httptest.Server
	mu   sync.Mutex // guards seen
	seen map[string]*playedCall
	news *sync.Cond // seen has grown
}

// playedCall is one call as the provider sees it.
type playedCall struct {
	words, bytes atomic.Int64
	done         chan struct{} // closed when the provider has done with it; guards the rest
	cancelled    bool          // weir ended it
	ended        time.Time
}

func startPlayedProvider(t *testing.T) *playedProvider {
	t.Helper()
	p := &playedProvider{seen: map[string]*playedCall{}}
	p.news = sync.NewCond(&p.mu)
	p.Server = httptest.NewUnstartedServer(p)
	p.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		_ = c.(*net.TCPConn).SetWriteBuffer(64 << 10) // what it has written soon is what weir has taken
		return ctx
	}
	p.Start()
	t.Cleanup(p.Close)
	return p
}

// of is what came of a call, or nil when it never came.
func (p *playedProvider) of(user string) *playedCall {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen[user]
}

// await waits until a call has come.
func (p *playedProvider) await(t *testing.T, user string) {
	t.Helper()
	late := time.AfterFunc(20*time.Second, func() {
		t.Errorf("%s: did not come to the provider", user)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.seen[user] = &playedCall{done: make(chan struct{})}
		p.news.Broadcast()
	})
	defer late.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.seen[user] == nil {
		p.news.Wait()
	}
}

// ServeHTTP plays one call.
func (p *playedProvider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		User     string
		Stream   bool
		Messages []struct{ Content string }
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || len(asked.Messages) != 1 {
		http.Error(w, "not as the test sends it", http.StatusBadRequest)
		return
	}
	_, _ = io.Copy(io.Discard, r.Body) // net/http notices only then that weir goes away
	call := &playedCall{done: make(chan struct{})}
	p.mu.Lock()
	p.seen[asked.User] = call
	p.news.Broadcast()
	p.mu.Unlock()
	play := call.plain
	if asked.Stream {
		play = call.stream
	}
	play(r.Context(), w, asked.Messages[0].Content)
	call.cancelled, call.ended = r.Context().Err() != nil, time.Now()
	close(call.done)
	if call.cancelled {
		panic(http.ErrAbortHandler)
	}
}

const playedUsage = `{"prompt_tokens":11,"completion_tokens":40,"total_tokens":51}`

func (c *playedCall) plain(ctx context.Context, w http.ResponseWriter, prompt string) {
	if prompt == holdAll {
		<-ctx.Done()
		return
	}
	if prompt == answerLate {
		select {
		case <-ctx.Done():
			return
		case <-time.After(clientPatience + time.Second/2):
		}
	}
	c.words.Store(providerWords)
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":%q},"finish_reason":"stop"}],"usage":%s}`,
		strings.Repeat(" river", providerWords), playedUsage)
}

func (c *playedCall) stream(ctx context.Context, w http.ResponseWriter, prompt string) {
	if prompt == holdAll {
		<-ctx.Done()
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	rc := http.NewResponseController(w)
	event := func(choices, usage string) error {
		n, err := fmt.Fprintf(w, `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-mini","choices":[%s],"usage":%s}`+"\n\n", choices, usage)
		c.bytes.Add(int64(n))
		if err != nil {
			return err
		}
		return rc.Flush()
	}
	text := " river"
	words := providerWords
	if prompt == flood {
		text, words = strings.Repeat(" river", 600), 1<<40
	}
	for i := range words {
		c.words.Add(1)
		if event(`{"index":0,"delta":{"content":"`+text+`"},"finish_reason":null}`, "null") != nil {
			<-ctx.Done()
			return
		}
		switch {
		case prompt == holdTheRest:
			<-ctx.Done()
			return
		case prompt == answerPaced && i+1 < words:
			select {
			case <-ctx.Done():
				return
			case <-time.After(pauseBetween):
			}
		}
	}
	if event(`{"index":0,"delta":{},"finish_reason":"stop"}`, "null") != nil || event("", playedUsage) != nil {
		<-ctx.Done()
		return
	}
	if prompt == holdTheEnd {
		<-ctx.Done()
		return
	}
	_, _ = io.WriteString(w, "data: [DONE]\n\n")
}
