package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/internal/simulator"
	"github.com/weir-dev/weir/trace"
)

// ask sends a small chat as a user, and gives the answer's head and body.
func (s *service) ask(t *testing.T, path, user string, stream bool) (*http.Response, string) {
	t.Helper()
	body := fmt.Sprintf(`{"model":"gpt-4o-mini","max_tokens":20,"stream":%v,"messages":[{"role":"user","content":"hello"}]}`, stream)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.gateway+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.firstKey.Reveal())
	req.Header.Set("X-Weir-User", user)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

func TestLimitsEndToEnd(t *testing.T) {
	cfg := simulatedOpenAI(t, simulator.Config{})
	cfg.Limits = []LimitConfig{
		{RequestsPerMinute: 1000, Concurrent: 100},
		{Scope: map[string]string{"user": "*"}, RequestsPerMinute: 5},
		{Scope: map[string]string{"user": "reader"}, TokensPerMinute: 30},
	}
	s := startWeir(t, cfg)

	// Of 60 calls at once, half of them streams, each user has five.
	var mu sync.Mutex
	answered := map[string]int{}
	var refused *http.Response
	var wg sync.WaitGroup
	for i := range 60 {
		user := []string{"ann", "bob", "cy"}[i%3]
		wg.Go(func() {
			resp, text := s.ask(t, "/chat/completions", user, i%2 == 0)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case resp.StatusCode == http.StatusOK:
				answered[user]++
			case resp.StatusCode == http.StatusTooManyRequests && strings.Contains(text, "weir_rate_limited"):
				refused = resp
			default:
				t.Errorf("%d %s", resp.StatusCode, text)
			}
		})
	}
	wg.Wait()
	for _, user := range []string{"ann", "bob", "cy"} {
		if answered[user] < 5 || answered[user] > 6 { // the sixth is earned in twelve seconds
			t.Errorf("%s had %d answers, want 5", user, answered[user])
		}
	}
	if refused == nil {
		t.Fatal("nobody was refused")
	}
	h := refused.Header
	if h.Get("Retry-After") == "" || h.Get("X-Ratelimit-Limit-Requests") != "5" || h.Get("X-Ratelimit-Remaining-Requests") != "0" || h.Get("X-Ratelimit-Reset-Requests") == "" {
		t.Errorf("headers of a refusal: %v", h)
	}
	rec := s.call(t, h.Get("X-Weir-Call-Id"))
	if rec.Call.Status != trace.StatusRateLimited || rec.Call.HTTPStatus != 429 || rec.Call.ErrorCode != "weir_rate_limited" {
		t.Errorf("recorded as %+v", rec.Call)
	}

	// An answer tells how the limits stand, and tokens that were used beyond the estimate are owed.
	first, _ := s.ask(t, "/chat/completions", "reader", false)
	if first.StatusCode != http.StatusOK || first.Header.Get("X-Ratelimit-Limit-Tokens") != "30" || first.Header.Get("X-Ratelimit-Remaining-Requests") != "4" {
		t.Errorf("%d %v", first.StatusCode, first.Header)
	}
	second, text := s.ask(t, "/messages", "reader", false)
	var body struct {
		Type  string
		Error struct{ Type, Code string }
	}
	if err := json.Unmarshal([]byte(text), &body); err != nil || second.StatusCode != 429 || body.Type != "error" || body.Error.Type != "rate_limit_error" || body.Error.Code != "weir_rate_limited" {
		t.Errorf("in Anthropic's dialect: %d %s", second.StatusCode, text)
	}
	used := s.call(t, first.Header.Get("X-Weir-Call-Id")).Call.Usage
	left := 30 - used.Input() - used.Output()
	if got := second.Header.Get("X-Ratelimit-Remaining-Tokens"); got != fmt.Sprint(left) && got != fmt.Sprint(left+1) || second.Header.Get("X-Ratelimit-Limit-Requests") != "5" {
		t.Errorf("headers of a refusal for tokens: %v", second.Header)
	}
}

// The one slot comes back from clients that leave in the middle of a stream.
func TestSlotsComeBackFromClientsThatLeave(t *testing.T) {
	cfg := simulatedOpenAI(t, simulator.Config{})
	cfg.Limits = []LimitConfig{{Concurrent: 1}}
	s := startWeir(t, cfg)
	for i := range 10 {
		eventually(t, 10*time.Second, func() error {
			body := `{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"hello"}]}`
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.gateway+"/chat/completions", strings.NewReader(body))
			if err != nil {
				return err
			}
			req.Header.Set("Authorization", "Bearer "+s.firstKey.Reveal())
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				return err
			}
			if resp.StatusCode != http.StatusOK {
				err = fmt.Errorf("client %d: the slot is taken", i)
			}
			return errors.Join(err, resp.Body.Close()) // gone after the head
		})
	}
}

func TestAKeyWithLimitsOfItsOwn(t *testing.T) {
	s := startWeir(t, simulatedOpenAI(t, simulator.Config{}))
	post := func(path, body string, into any) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/api/v1/"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+s.admin.Reveal())
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode
	}
	var made struct {
		ID, Key           string
		RequestsPerMinute int64 `json:"requests_per_minute"`
		Error             struct{ Message string }
	}
	if status := post("keys", `{"name":"slow","requests_per_minute":-1}`, &made); status != 400 || !strings.Contains(made.Error.Message, "requests_per_minute is -1") {
		t.Errorf("a negative limit: %d %s", status, made.Error.Message)
	}
	if status := post("keys", `{"name":"slow","requests_per_minute":1,"concurrent":2}`, &made); status != 201 || made.RequestsPerMinute != 1 {
		t.Fatalf("%d %+v", status, made)
	}
	var got []int
	own := *s
	for range 2 { // the key, and the one it is rotated to
		own.firstKey = account.NewSecret(made.Key)
		for range 2 {
			resp, _ := own.ask(t, "/chat/completions", "", false)
			got = append(got, resp.StatusCode)
		}
		resp, _ := s.ask(t, "/chat/completions", "", false) // another key
		got = append(got, resp.StatusCode)
		if status := post("keys/"+made.ID+"/rotate", "", &made); status != 201 || made.RequestsPerMinute != 1 {
			t.Fatalf("rotated: %d %+v", status, made)
		}
	}
	if diff := cmp.Diff([]int{200, 429, 200, 200, 429, 200}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
