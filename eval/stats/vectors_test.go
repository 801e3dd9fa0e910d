package stats

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/weir-dev/weir/internal/testutil/race"
)

// load reads a file of testdata.
func load(t *testing.T, name string, into any) {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// near fails unless got and want are as near as the tolerance, or both are undefined.
func near(t *testing.T, what string, got float64, ok bool, want *float64, tolerance float64) {
	t.Helper()
	switch {
	case want == nil && ok:
		t.Errorf("%s: got %v, want it undefined", what, got)
	case want != nil && !ok:
		t.Errorf("%s: got it undefined, want %v", what, *want)
	case want != nil && !(math.Abs(got-*want) <= tolerance):
		t.Errorf("%s: got %v, want %v", what, got, *want)
	}
}

func TestAgreementVectors(t *testing.T) {
	var vectors struct {
		Kappa []struct {
			ID        string   `json:"id"`
			A         []int    `json:"a"`
			B         []int    `json:"b"`
			Plain     *float64 `json:"kappa_unweighted"`
			Linear    *float64 `json:"kappa_linear"`
			Quadratic *float64 `json:"kappa_quadratic"`
			Accuracy  *float64 `json:"accuracy"`
		} `json:"cohen_kappa"`
		Fleiss struct {
			Table [][]int  `json:"table"`
			Kappa *float64 `json:"kappa"`
		} `json:"fleiss"`
	}
	load(t, "agreement_ir.json", &vectors)
	if len(vectors.Kappa) != 12 {
		t.Fatalf("got %d cases of kappa, want 12", len(vectors.Kappa))
	}
	for _, c := range vectors.Kappa {
		for weighting, want := range map[Weighting]*float64{Unweighted: c.Plain, Linear: c.Linear, Quadratic: c.Quadratic} {
			got, ok := Kappa(c.A, c.B, weighting)
			near(t, c.ID+" "+string(weighting), got, ok, want, 1e-9)
			in, ok := KappaInterval(c.A, c.B, weighting, Resampling{Samples: 400, Seed: 1})
			if ok != (want != nil) || ok && (!in.Contains(*want) || in.Low >= in.High) {
				t.Errorf("%s %s: the interval is %v, %v around %v", c.ID, weighting, in, ok, want)
			}
		}
		same := make([]bool, len(c.A))
		all := make([]bool, len(c.A))
		for i := range c.A {
			same[i], all[i] = c.A[i] == c.B[i], true
		}
		got, ok := Confuse(all, same).Agreement()
		near(t, c.ID+" accuracy", got, ok, c.Accuracy, 1e-9)
	}
	got, ok, err := Fleiss(vectors.Fleiss.Table)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "Fleiss", got, ok, vectors.Fleiss.Kappa, 1e-9)
	if in, ok := FleissInterval(vectors.Fleiss.Table, Resampling{Seed: 2}); !ok || !in.Contains(got) {
		t.Errorf("Fleiss: the interval is %v, %v around %v", in, ok, got)
	}
}

func TestRankVectors(t *testing.T) {
	var vectors struct {
		IR []struct {
			Ranking   []string           `json:"ranking"`
			Relevance map[string]float64 `json:"relevance"`
			At        []struct {
				K         int     `json:"k"`
				Precision float64 `json:"precision"`
				Recall    float64 `json:"recall"`
				Hit       float64 `json:"hit"`
				MRR       float64 `json:"mrr"`
				AP        float64 `json:"ap_at_k_over_min_R_k"`
				Linear    float64 `json:"ndcg_linear"`
				Exp       float64 `json:"ndcg_exp"`
			} `json:"at"`
		} `json:"ir"`
		RRF struct {
			Lists [][]string         `json:"lists"`
			One   map[string]float64 `json:"rank_from_1_k60"`
			Zero  map[string]float64 `json:"rank_from_0_k2"`
		} `json:"rrf"`
	}
	load(t, "agreement_ir.json", &vectors)
	compared := 0
	for _, c := range vectors.IR {
		r := Ranking{Retrieved: c.Ranking, Relevant: c.Relevance}
		for _, at := range c.At {
			check := func(what string, want float64, got float64, ok bool) {
				t.Helper()
				compared++
				near(t, what+"@"+strconv.Itoa(at.K), got, ok, &want, 1e-9)
			}
			v, ok := r.Precision(at.K)
			check("precision", at.Precision, v, ok)
			v, ok = r.Recall(at.K)
			check("recall", at.Recall, v, ok)
			v, ok = r.Hit(at.K)
			check("hit", at.Hit, v, ok)
			v, ok = r.ReciprocalRank(at.K)
			check("mrr", at.MRR, v, ok)
			v, ok = r.AveragePrecision(at.K)
			check("ap", at.AP, v, ok)
			v, ok = r.NDCG(at.K, LinearGain)
			check("ndcg linear", at.Linear, v, ok)
			v, ok = r.NDCG(at.K, ExponentialGain)
			check("ndcg exponential", at.Exp, v, ok)
		}
	}
	if compared < 300 {
		t.Errorf("only %d numbers were compared", compared)
	}
	for _, c := range []struct {
		k, first int
		want     map[string]float64
	}{{60, 1, vectors.RRF.One}, {2, 0, vectors.RRF.Zero}} {
		got := Fuse(vectors.RRF.Lists, c.k, c.first)
		if len(got) != len(c.want) {
			t.Errorf("fused %d documents, want %d", len(got), len(c.want))
		}
		for d, want := range c.want {
			near(t, "fused "+d, got[d], true, &want, 1e-9)
		}
	}
}

// bleu is corpus BLEU of [sys, ref, correct 1-4, total 1-4], exponentially smoothed.
func bleu(s []float64, _ int) float64 {
	decay, logs := 1.0, 0.0
	for n := range 4 {
		correct, total := s[2+n], s[6+n]
		if total == 0 {
			return 0
		}
		if correct == 0 {
			decay *= 2
			logs += math.Log(100 / (decay * total))
			continue
		}
		logs += math.Log(100 * correct / total)
	}
	penalty := 1.0
	if s[0] < s[1] {
		penalty = math.Exp(1 - s[1]/s[0])
	}
	return penalty * math.Exp(logs/4)
}

// wmt17 are the BLEU statistics of six systems.
func wmt17(t *testing.T) []Rows {
	t.Helper()
	file, err := os.Open("testdata/significance_stats.tsv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	plain, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	systems := make([]Rows, 6)
	lines := bufio.NewScanner(plain)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		columns := strings.Split(lines.Text(), "\t")
		system, err := strconv.Atoi(columns[0])
		if err != nil {
			t.Fatal(err)
		}
		var row []float64
		for field := range strings.FieldsSeq(columns[2]) {
			v, err := strconv.ParseFloat(field, 64)
			if err != nil {
				t.Fatal(err)
			}
			row = append(row, v)
		}
		systems[system] = append(systems[system], row)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return systems
}

func TestSignificanceVectors(t *testing.T) {
	var vectors struct {
		Systems []struct {
			Name      string   `json:"name"`
			BLEU      float64  `json:"bleu"`
			Bootstrap *float64 `json:"bootstrap_p"`
			Mean      float64  `json:"bootstrap_mean"`
			Half      float64  `json:"bootstrap_ci_halfwidth"`
			AR        *float64 `json:"ar_p"`
			Moses     *float64 `json:"moses_bootstrap_p_published"`
			MultEval  *float64 `json:"multeval_ar_p_published"`
		} `json:"systems"`
	}
	load(t, "significance.json", &vectors)
	systems := wmt17(t)
	if len(systems[0]) != 3004 || len(vectors.Systems) != 6 {
		t.Fatalf("got %d segments of %d systems", len(systems[0]), len(vectors.Systems))
	}
	for i, c := range vectors.Systems {
		if race.Enabled && i > 1 {
			break // one pair shows what the race detector could see
		}
		own, err := Bootstrap(systems[i], bleu, Resampling{Seed: 12345})
		if err != nil {
			t.Fatal(err)
		}
		near(t, c.Name+" BLEU", own.Value, true, &c.BLEU, 1e-9)
		near(t, c.Name+" bootstrap mean", own.Mean, true, &c.Mean, 0.05)
		near(t, c.Name+" half-width", own.HalfWidth(), true, &c.Half, 0.05)
		if i == 0 {
			continue
		}
		test, err := Randomise(systems[0], systems[i], bleu, Randomisation{Seed: 12345})
		if err != nil {
			t.Fatal(err)
		}
		near(t, c.Name+" randomisation", test.P, true, c.AR, 1e-2)
		near(t, c.Name+" randomisation, strict", test.PStrict, true, c.AR, 1e-2)
		near(t, c.Name+" randomisation, published", test.P, true, c.MultEval, 1e-2)
		near(t, c.Name+" delta", test.Delta, true, new(c.BLEU-vectors.Systems[0].BLEU), 1e-9)
		// The reference drew 2,000 resamples only: near 0.2 its own p-values have a standard error of 0.009.
		pair, err := BootstrapPaired(systems[0], systems[i], bleu, Resampling{Samples: 10000, Seed: 12345})
		if err != nil {
			t.Fatal(err)
		}
		near(t, c.Name+" paired bootstrap", pair.P, true, c.Bootstrap, 2e-2)
		near(t, c.Name+" paired bootstrap, published", pair.P, true, c.Moses, 2e-2)
		if !pair.Contains(test.Delta) {
			t.Errorf("%s: the difference %v is outside its interval %v", c.Name, test.Delta, pair.Interval)
		}
	}
}
