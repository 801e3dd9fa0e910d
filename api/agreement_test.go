package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

func TestHowFarTwoScoresAgree(t *testing.T) {
	w := newWorld(t)
	var scores []string
	for i := range 8 {
		id := fmt.Sprintf("call-%d", i+1)
		w.record(changed(id, func(*trace.Record) {}))
		scores = append(scores, fmt.Sprintf(`{"call_id":%q,"name":"ok","value":%v,"source":"human"},{"call_id":%q,"name":"ok","value":%v,"source":"judge","comment":"<why>"},{"call_id":%q,"name":"grade","value":%v}`,
			id, i < 5, id, i < 5 && i > 0, id, float64(i)/10))
	}
	if rec := w.ask("POST", "/scores", `{"scores":[`+strings.Join(scores, ",")+`]}`); rec.Code != 201 {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	var got struct {
		A, B    struct{ Scores int }
		Kind    string
		Pairs   int
		Classes struct {
			Matrix    [][]int
			Agreement float64
			BaseRate  float64 `json:"base_rate"`
		}
		Disagreements []struct {
			CallID   string `json:"call_id"`
			A, B     bool
			AComment string `json:"a_comment"`
		}
	}
	w.get("/scores/agreement?a=ok:judge&b=ok:human:admin", &got)
	if got.Kind != "boolean" || got.Pairs != 8 || got.A.Scores != 8 || got.Classes.Agreement != 0.875 || got.Classes.BaseRate != 0.625 {
		t.Errorf("%+v", got)
	}
	if len(got.Disagreements) != 1 || got.Disagreements[0].CallID != "call-1" || got.Disagreements[0].A || got.Disagreements[0].AComment != "<why>" {
		t.Errorf("%+v", got.Disagreements)
	}
	w.get("/scores/agreement?a=grade&b=ok:human&threshold=0.3", &got)
	if got.Kind != "boolean" || got.Pairs != 8 || got.Classes.Agreement != 0.25 {
		t.Errorf("with a threshold: %+v", got)
	}
	var numbers struct {
		Numbers struct {
			Pearson float64
			Equal   float64
		}
		Points []any
	}
	w.get("/scores/agreement?a=grade&b=grade&since=2026-01-01", &numbers)
	if numbers.Numbers.Pearson != 1 || numbers.Numbers.Equal != 1 || len(numbers.Points) != 8 {
		t.Errorf("%+v", numbers)
	}
	w.get("/scores/agreement?a=none&b=ok", &got)
	if got.Pairs != 0 || len(got.Disagreements) != 0 {
		t.Errorf("of nothing: %+v", got)
	}
	for target, words := range map[string][]string{
		"?a=ok":                      {"b is missing"},
		"?a=ok:nobody&b=ok":          {"nobody", "human"},
		"?a=o k&b=ok":                {"name:source:author"},
		"?a=ok&b=ok&threshold=x":     {"no number"},
		"?a=grade&b=ok":              {"numbers", "yes or no", "threshold"},
		"?a=ok&b=ok&since=yesterday": {"since"},
	} {
		w.refused(w.ask("GET", "/scores/agreement"+strings.ReplaceAll(target, " ", "%20"), ""), 400, llm.InvalidRequest, words...)
	}
}
