package main

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/eval/stats"
	"github.com/weir-dev/weir/internal/simulator"
)

func TestCalibrateThroughWeir(t *testing.T) {
	cfg := likely(t, "")
	w := startWeir(t, cfg)
	c := cacheClient{w, w.firstKey.Reveal()}
	for i, x := range []struct{ question, answer, system string }{
		{"How can I return a damaged parcel with broken green glass bottles inside to your shop?", "By post.", "a"},
		{"How can I return the damaged parcel with broken green glass bottles inside to your shop please?", "By  POST!", "a"},    // like the first, and right
		{"How can I return a damaged parcel with broken green glass bottles inside to your warehouse?", "By lorry.", "a"},        // less like it, and wrong
		{"How can I return a damaged parcel with broken green glass bottles inside to your shop?", "By post.", "a"},              // asked before
		{"Which trains go to Lisbon on a Sunday?", "None.", "a"},                                                                 // like none
		{"How can I return the damaged parcel with broken green glass bottles inside to your shop now?", "By courier.", "alone"}, // under other conditions
	} {
		body, err := json.Marshal(map[string]any{
			"model": "gpt-4o-mini", "messages": []map[string]string{{"role": "system", "content": x.system}, {"role": "user", "content": x.question}},
			"metadata": map[string]string{"sim-text": x.answer},
		})
		if err != nil {
			t.Fatal(err)
		}
		resp, text := c.post(t, string(body))
		if resp.StatusCode != 200 || !strings.Contains(text, x.answer) {
			t.Fatalf("%d: %d %s", i, resp.StatusCode, text)
		}
	}
	w.settle(t)
	t.Setenv("WEIR_KEY", w.firstKey.Reveal())
	t.Setenv("WEIR_ADMIN_TOKEN", w.admin.Reveal())
	calibrate := func(args ...string) (calibrated, string) {
		t.Helper()
		cmd := rootCommand()
		var out, said strings.Builder
		cmd.SetOut(&out)
		cmd.SetErr(&said)
		cmd.SetArgs(append([]string{"cache", "calibrate", "--url", w.url, "--dimensions", "256"}, args...))
		if err := cmd.ExecuteContext(t.Context()); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, said.String())
		}
		var r calibrated
		if len(args) > 0 && args[0] == "--json" {
			if err := json.Unmarshal([]byte(out.String()), &r); err != nil {
				t.Fatalf("%v in %s", err, out.String())
			}
		}
		return r, out.String() + said.String()
	}
	before := w.stats(t)
	if _, text := calibrate("--dry-run"); !strings.Contains(text, "4 questions under 1 set of conditions") || !strings.Contains(text, "about 0.00000") {
		t.Errorf("%s", text)
	}
	right, wrong := likeness("How can I return a damaged parcel with broken green glass bottles inside to your shop?", "How can I return the damaged parcel with broken green glass bottles inside to your shop please?"),
		max(likeness("How can I return a damaged parcel with broken green glass bottles inside to your shop?", "How can I return a damaged parcel with broken green glass bottles inside to your warehouse?"),
			likeness("How can I return the damaged parcel with broken green glass bottles inside to your shop please?", "How can I return a damaged parcel with broken green glass bottles inside to your warehouse?"))
	if right < wrong+0.02 || wrong < lowestThreshold {
		t.Fatalf("the simulated embeddings say %v and %v", right, wrong)
	}
	r, _ := calibrate("--json", "--precision", "1")
	if r.Questions != 4 || r.Conditions != 1 || r.Pairs != 3 || r.Judged != 0 || r.CostUSD == "0.000000000" || r.Suggested == nil || *r.Suggested > right || *r.Suggested <= wrong {
		t.Errorf("%+v; right at %v, wrong at %v", r, right, wrong)
	}
	last := r.Rows[len(r.Rows)-1]
	if last.Hits != 2 || last.Right != 1 || *last.Precision != 0.5 || *last.AtLeast > 0.5 {
		t.Errorf("%+v", last)
	}
	r, _ = calibrate("--json", "--judge", "yes")
	if r.Judged != 1 || r.Rows[len(r.Rows)-1].Right != 2 || r.Suggested == nil || *r.Suggested != lowestThreshold {
		t.Errorf("%+v", r)
	}
	if _, text := calibrate("--judge", "no"); !strings.Contains(text, "For a precision of 95.0 %: semantic: 0.") || !strings.Contains(text, "PRECISION") {
		t.Errorf("%s", text)
	}
	if after := w.stats(t); after.Semantic.Hits != before.Semantic.Hits {
		t.Errorf("%+v", after)
	}
}

func TestThresholdsOfPairs(t *testing.T) {
	var pairs []*pair
	for _, x := range []struct {
		score float64
		right bool
	}{{0.995, true}, {0.97, true}, {0.96, false}, {0.9, true}, {0.5, true}} {
		pairs = append(pairs, &pair{score: x.score, right: x.right})
	}
	rows := thresholds(pairs)
	var got []int
	for _, at := range []int{0, 2, 3, 9, 29} {
		got = append(got, rows[at].Hits, rows[at].Right)
	}
	if diff := cmp.Diff([]int{1, 1, 2, 2, 3, 2, 4, 3, 4, 3}, got); diff != "" || len(rows) != 30 || rows[29].Threshold != 0.7 {
		t.Errorf("(-want +got): %s, %d rows", diff, len(rows))
	}
	for wanted, want := range map[float64]float64{1: 0.97, 0.7: 0.97, 0.6: 0.7} { // at 0.96 it is two of three, and the rows below are better: that does not count
		if best := suggest(rows, wanted); best == nil || *best != want {
			t.Errorf("precision %v: %v", wanted, best)
		}
	}
	if best := suggest(thresholds([]*pair{{score: 0.99}}), 0.5); best != nil {
		t.Errorf("%v", *best)
	}
	if b, _ := stats.Wilson(95, 100, 0.90); math.Abs(b.Low-0.9000) > 0.005 { // Wilson's lower end at z = 1.6449
		t.Errorf("%v", b.Low)
	}
}

func TestSameAnswers(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"By post.", " by  POST!", true}, {"42", "42.", true}, {"Größe", "GRÖSSE", false}, {"Ja", "ja", true}, {"No", "Not", false}, {"", "", false}, {"!", "?", false}, {"a b", "ab", false},
	} {
		if got := sameAnswer(tt.a, tt.b); got != tt.want {
			t.Errorf("%q %q: %v", tt.a, tt.b, got)
		}
	}
}

func TestAnExportedCallThatIsNoQuestion(t *testing.T) {
	const good = `{"project":"p","endpoint":"chat.completions","path":"/chat/completions","model_requested":"m","cache":"off","request":{"messages":[{"role":"user","content":"q"}]},"response":{"choices":[{"index":0,"message":{"content":"a"}}]}}`
	if a, ok := readAsked([]byte(good)); !ok || a.text != "q" || a.answer != "a" {
		t.Fatalf("%+v %v", a, ok)
	}
	for name, line := range map[string]string{
		"no JSON": `{`, "a hit": strings.Replace(good, `"off"`, `"hit"`, 1), "a semantic hit": strings.Replace(good, `"off"`, `"semantic"`, 1),
		"no request": strings.Replace(good, `"request"`, `"x"`, 1), "a text as request": strings.Replace(good, `{"messages":[{"role":"user","content":"q"}]}`, `"sha256:0"`, 1),
		"no answer": strings.Replace(good, `"a"`, `""`, 1), "embeddings": strings.Replace(good, "chat.completions", "embeddings", 1),
	} {
		if a, ok := readAsked([]byte(line)); ok {
			t.Errorf("%s: %+v", name, a)
		}
	}
	stream := strings.Replace(strings.Replace(good, `{"choices":[{"index":0,"message":{"content":"a"}}]}`, `"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\ndata: [DONE]\n\n"`, 1), `"path"`, `"stream":true,"path"`, 1)
	if a, ok := readAsked([]byte(stream)); !ok || a.answer != "a" {
		t.Errorf("%+v %v", a, ok)
	}
}

// BenchmarkPairUp compares a thousand questions with all before them.
func BenchmarkPairUp(b *testing.B) {
	group := make([]*askedOnce, 1000)
	for i := range group {
		group[i] = &askedOnce{vector: simulator.Embed("text-embedding-3-small", strings.Repeat("word ", 1+i%7), 512)}
	}
	for b.Loop() {
		pairUp([][]*askedOnce{group})
	}
}
