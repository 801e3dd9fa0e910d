package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/weir-dev/weir/eval/drift"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

func TestDrift(t *testing.T) {
	w := newWorld(t)
	if got := w.ask("GET", "/drift", "").Body.String(); !strings.Contains(got, `"series":[]`) || !strings.Contains(got, `"drifted":0`) {
		t.Errorf("without calls: %s", got)
	}

	// Of two projects one asks four times as much since yesterday.
	w = newWorld(t)
	now := time.Now().UTC().Add(-10 * time.Minute).Truncate(time.Hour)
	var records trace.Slice
	for day := range 29 {
		for i := range 120 {
			start := now.Add(-time.Duration(day)*24*time.Hour - time.Duration(i+1)*10*time.Minute)
			s := trace.Span{
				ID: llm.NewID(start) + fmt.Sprint(i), SpanID: fmt.Sprint(day, i), TraceID: "t", Kind: trace.KindCall, Start: start, Project: []string{"shop", "<b>"}[i%2], Model: "m", Prompt: "greet",
				Status: trace.StatusOK, PriceStatus: price.Exact, Cache: trace.CacheOff, FinishReasons: []string{"stop"}, Usage: llm.Usage{InputUncached: int64(100 + i*7%50), OutputText: int64(20 + i*3%10)},
			}
			if day == 0 && s.Project == "shop" {
				s.Usage.InputUncached *= 4
			}
			records = append(records, trace.Record{Call: s})
		}
	}
	if err := w.store.Write(t.Context(), trace.Batch{Token: "drift", Records: records}); err != nil {
		t.Fatal(err)
	}
	var list trafficList
	if err := json.Unmarshal(w.ask("GET", "/drift?state=drifted", "").Body.Bytes(), &struct {
		Series   *[]trafficRow
		Drifted  *int
		Compared *int
	}{&list.Series, &list.Drifted, &list.Compared}); err != nil {
		t.Fatal(err)
	}
	if len(list.Series) != 1 || list.Drifted != 1 || list.Compared < 8 {
		t.Fatalf("%d have drifted, the rows are %+v, %d were compared; want the length of what the shop asks", list.Drifted, list.Series, list.Compared)
	}
	row := &list.Series[0]
	if row.Metric != drift.InputTokens || row.Project != "shop" || row.Effect == nil || row.Effect.Value < 3.5 || row.Effect.Low > 4 || row.Effect.High < 4 || len(row.DailyPSI) != 29 || row.DailyPSI[28] == nil {
		t.Errorf("the row is %+v, %+v", row, row.Effect)
	}
	var one drift.Series
	if err := json.Unmarshal(w.ask("GET", "/drift/"+row.ID, "").Body.Bytes(), &one); err != nil {
		t.Fatal(err)
	}
	share := 0.0
	for _, c := range one.Classes {
		share += c.Share
	}
	if len(one.Days) != 29 || share < 0.999 || share > 1.001 {
		t.Errorf("%d days, and shares that add up to %g: %+v", len(one.Days), share, one.Classes)
	}
	for path, want := range map[string]int{
		"/drift?state=odd": http.StatusBadRequest, "/drift?metric=colour": http.StatusBadRequest, "/drift/none": http.StatusNotFound, "/drift?project=none": http.StatusOK,
	} {
		if got := w.ask("GET", path, ""); got.Code != want {
			t.Errorf("%s: %d %s, want %d", path, got.Code, got.Body, want)
		}
	}
}
