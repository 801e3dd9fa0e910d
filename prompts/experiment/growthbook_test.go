package experiment

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// The cases that GrowthBook's SDKs are tested by.
func TestGrowthBookCases(t *testing.T) {
	raw, err := os.ReadFile("stats/testdata/experiment_stats.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases struct {
		Hash struct {
			Hash      [][4]any
			Choose    [][4]any `json:"chooseVariation"`
			Ranges    [][3]any `json:"getBucketRange"`
			Namespace [][4]any `json:"inNamespace"`
		} `json:"hash_cases"`
	}
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	h := cases.Hash
	if len(h.Hash) == 0 || len(h.Choose) == 0 || len(h.Ranges) == 0 || len(h.Namespace) == 0 {
		t.Fatal("cases are missing")
	}
	for _, c := range h.Hash {
		got, ok := GrowthBookBucket(c[0].(string), c[1].(string), int(c[2].(float64)))
		want, known := c[3].(float64)
		if ok != known || got != want {
			t.Errorf("%v: got %g, %v", c, got, ok)
		}
	}
	for _, c := range h.Choose {
		if got := GrowthBookChoose(c[1].(float64), pairs(c[2])); got != int(c[3].(float64)) {
			t.Errorf("%v: got %d", c, got)
		}
	}
	for _, c := range h.Ranges {
		in := c[1].([]any)
		var weights []float64
		if list, ok := in[2].([]any); ok {
			for _, w := range list {
				weights = append(weights, w.(float64))
			}
		}
		got, want := GrowthBookRanges(int(in[0].(float64)), in[1].(float64), weights), pairs(c[2])
		for i := range want {
			if len(got) != len(want) || math.Abs(got[i][0]-want[i][0]) > 1e-9 || math.Abs(got[i][1]-want[i][1]) > 1e-9 {
				t.Errorf("%v: got %v", c, got)
				break
			}
		}
	}
	for _, c := range h.Namespace {
		n := c[2].([]any)
		if got := GrowthBookInNamespace(c[1].(string), n[0].(string), n[1].(float64), n[2].(float64)); got != c[3].(bool) {
			t.Errorf("%v: got %v", c, got)
		}
	}
}

func pairs(v any) [][2]float64 {
	var out [][2]float64
	for _, p := range v.([]any) {
		out = append(out, [2]float64{p.([]any)[0].(float64), p.([]any)[1].(float64)})
	}
	return out
}

// An experiment with GrowthBook's hash puts units where GrowthBook's SDK would, with partial traffic too.
func TestAssignsAsGrowthBook(t *testing.T) {
	for _, traffic := range []float64{1, 0.3} {
		a := assigner(t, running(t, func(e *Experiment) {
			e.Hash, e.Traffic = GrowthBook, traffic
			e.Arms[0].Weight, e.Arms[1].Weight = 0.4, 0.6
		}))
		ranges := GrowthBookRanges(2, traffic, []float64{0.4, 0.6})
		for i := range 5000 {
			unit := string(rune('a'+i%26)) + string(rune('0'+i%10)) + string(rune(0x4e00+i))
			bucket, _ := GrowthBookBucket("exp-1", unit, 2)
			want := GrowthBookChoose(bucket, ranges)
			got, _ := a.Assign(&Subject{User: unit})
			if got.InAnalysis != (want >= 0) || want >= 0 && got.Arm != []string{"a", "b"}[want] {
				t.Fatalf("%q at %g: got %+v, want %d", unit, bucket, got, want)
			}
		}
	}
}
