package clickhouse

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
	"github.com/weir-dev/weir/trace/tracetest"
)

// TestAnswersEqualRecomputation asks random questions about random calls and compares every answer with the one that
// plain loops in memory give: costs to the nanodollar, whichever rollups they were composed of.
func TestAnswersEqualRecomputation(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	ctx := t.Context()
	db, mem := openTest(t, testConfig(t)), &tracetest.Memory{Preview: tracetest.Preview}

	// Over both changes of European and American clocks in spring, and the ends of two months.
	since, until := time.Date(2026, 2, 25, 7, 13, 0, 0, time.UTC), time.Date(2026, 4, 9, 17, 1, 0, 0, time.UTC)
	var starts []time.Time
	for i := range 12 {
		records := tracetest.Random(r, 50+r.IntN(200), since, until)
		b := trace.Batch{Token: fmt.Sprint("batch ", i), Records: trace.Slice(records)}
		for range 1 + r.IntN(2) {
			if err := db.Write(ctx, b); err != nil {
				t.Fatal(err)
			}
		}
		if err := mem.Write(ctx, b); err != nil {
			t.Fatal(err)
		}
		starts = append(starts, records[0].Call.Start, records[1].Call.Start)
	}

	questions := 60
	if testing.Short() {
		questions = 15
	}
	for i := range questions {
		f := randomFilter(r, since, until, starts)
		q := trace.CostQuery{Filter: f, By: randomGroups(r), Timezone: randomZone(t, r)}
		what := fmt.Sprintf("question %d: by %q in %v of %+v", i, q.By, q.Timezone, q.Filter)
		got, err := db.Costs(ctx, q)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		want, err := mem.Costs(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		compareCosts(t, what, got, want)

		gotFacets, err := db.Facets(ctx, f, 3)
		if err != nil {
			t.Fatalf("facets, %s: %v", what, err)
		}
		wantFacets, _ := mem.Facets(ctx, f, 3)
		if diff := cmp.Diff(wantFacets, gotFacets); diff != "" {
			t.Errorf("facets, %s: (-want +got)\n%s", what, diff)
		}
		if i%3 == 0 {
			compareExplored(t, db, mem, f, what, r)
		}
		gotIDs, wantIDs := listed(t, db, f, 7), listed(t, mem, f, 7)
		if !slices.Equal(gotIDs, wantIDs) {
			t.Errorf("calls, %s: %v, want %v", what, gotIDs, wantIDs)
		}
		if t.Failed() {
			return
		}
	}

	gotUnpriced, err := db.Unpriced(ctx, starts[0], starts[1])
	if err != nil {
		t.Fatal(err)
	}
	wantUnpriced, _ := mem.Unpriced(ctx, starts[0], starts[1])
	if diff := cmp.Diff(wantUnpriced, gotUnpriced); diff != "" {
		t.Errorf("unpriced: (-want +got)\n%s", diff)
	}
	next, stop := iter.Pull2(mem.Export(ctx, trace.Filter{}, true))
	defer stop()
	n := 0
	for got, err := range db.Export(ctx, trace.Filter{}, true) {
		if err != nil {
			t.Fatal(err)
		}
		want, _, _ := next()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("export, call %d: (-want +got)\n%s", n, diff)
		}
		n++
	}
	if _, _, more := next(); more || n == 0 {
		t.Errorf("the export ends after %d calls", n)
	}
}

// compareExplored compares counts by fields and a sorted list.
func compareExplored(t *testing.T, db *DB, mem *tracetest.Memory, f trace.Filter, what string, r *rand.Rand) {
	t.Helper()
	fields := append([]string{"tag", "tag.team", "tag.none"}, trace.FacetFields...)
	r.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	q := trace.FacetQuery{Filter: f, Fields: fields[:1+r.IntN(len(fields))], Limit: 1 + r.IntN(4)}
	got, err := db.CountFacets(t.Context(), q)
	if err != nil {
		t.Fatalf("counts by %v, %s: %v", q.Fields, what, err)
	}
	want, err := mem.CountFacets(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("counts, %s: (-want +got)\n%s", what, diff)
	}
	by := trace.CallOrders[r.IntN(len(trace.CallOrders))]
	if r.IntN(2) == 0 {
		by = by.Up()
	}
	var gotIDs, wantIDs []string
	for cursors := [2]string{}; len(gotIDs) < 14; {
		got, err := db.SortedCalls(t.Context(), f, by, 7, cursors[0])
		if err != nil {
			t.Fatalf("calls by %s, %s: %v", by, what, err)
		}
		want, err := mem.SortedCalls(t.Context(), f, by, 7, cursors[1])
		if err != nil {
			t.Fatal(err)
		}
		for i := range got.Calls {
			gotIDs = append(gotIDs, got.Calls[i].ID)
		}
		for i := range want.Calls {
			wantIDs = append(wantIDs, want.Calls[i].ID)
		}
		if cursors = [2]string{got.Next, want.Next}; got.Next == "" || want.Next == "" {
			break
		}
	}
	if !slices.Equal(gotIDs, wantIDs) {
		t.Errorf("calls by %s, %s: %v, want %v", by, what, gotIDs, wantIDs)
	}
}

// compareCosts compares exactly, but for quantiles: a digest's need only lie where the calls' do.
func compareCosts(t *testing.T, what string, got, want trace.Costs) {
	t.Helper()
	near := func(g, w time.Duration, calls int64) bool {
		// A digest of few calls interpolates, so that only order and size can be asked of it.
		return (g == 0) == (w == 0) || calls < 3 || g < 31*time.Second && g >= 0
	}
	clear := func(c *trace.Costs) []time.Duration {
		var out []time.Duration
		for i := range c.Rows {
			s := &c.Rows[i].Sums
			out = append(out, s.LatencyP50, s.LatencyP95)
			s.LatencyP50, s.LatencyP95, s.TTFTP50, s.TTFTP95 = 0, 0, 0, 0
		}
		c.Total.LatencyP50, c.Total.LatencyP95, c.Total.TTFTP50, c.Total.TTFTP95 = 0, 0, 0, 0
		return out
	}
	g, w := clear(&got), clear(&want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: (-want +got)\n%s", what, diff)
		return
	}
	for i := range g {
		if !near(g[i], w[i], got.Rows[i/2].Calls) {
			t.Errorf("%s: row %d has latency %v, want about %v", what, i/2, g[i], w[i])
		}
	}
}

func listed(t *testing.T, s trace.Reader, f trace.Filter, limit int) []string {
	t.Helper()
	var out []string
	cursor := ""
	for range 3 {
		page, err := s.Calls(t.Context(), f, limit, cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page.Calls {
			out = append(out, c.ID)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	return out
}

func randomFilter(r *rand.Rand, since, until time.Time, starts []time.Time) trace.Filter {
	var f trace.Filter
	moment := func() time.Time {
		m := since.Add(time.Duration(r.Int64N(int64(until.Sub(since)))))
		switch r.IntN(6) {
		case 0:
			return time.Time{}
		case 1:
			return m.Truncate(day)
		case 2:
			return m.Truncate(time.Hour)
		case 3:
			return m.Truncate(time.Minute)
		case 4:
			return starts[r.IntN(len(starts))] // exactly when a call starts
		}
		return m
	}
	f.Since, f.Until = moment(), moment()
	if !f.Until.IsZero() && f.Until.Before(f.Since) {
		f.Since, f.Until = f.Until, f.Since
	}
	for range r.IntN(3) {
		switch r.IntN(15) {
		case 0:
			f.Project = "shop"
		case 1:
			f.Key = "dev"
		case 2:
			f.Key = "ci-id"
		case 3:
			f.Provider = "openai"
		case 4:
			f.Model = "fast"
		case 5:
			f.Model = "claude-sonnet-4"
		case 6:
			f.User = "žofie"
		case 7:
			f.Session = "s2"
		case 8:
			f.Status = "error"
		case 9:
			f.Endpoint = string(llm.Embeddings)
		case 10:
			f.Cache = "hit"
		case 11:
			f.Prompt = []string{"greet", "greet@1", "route@2"}[r.IntN(3)]
		case 12:
			f.Tags = map[string]string{"team": []string{"red", ""}[r.IntN(2)]}
		case 13:
			f.Unpriced = true
		case 14:
			f.Text = []string{"order", "straße", "Später no"}[r.IntN(3)]
		}
	}
	if r.IntN(2) == 0 {
		tracetest.RandomConditions(r, &f)
	}
	if f.Text != "" && f.Since.IsZero() {
		f.Since = since
	}
	return f
}

func randomGroups(r *rand.Rand) []string {
	names := []string{"project", "key", "user", "session", "model", "provider", "prompt", "arm", "endpoint", "status", "tag.team", "tag.none"}
	r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	by := names[:r.IntN(3)]
	if r.IntN(2) == 0 {
		by = append(by, []string{"minute", "hour", "day", "month", "every.15m", "every.3h", "every.48h"}[r.IntN(7)])
	}
	r.Shuffle(len(by), func(i, j int) { by[i], by[j] = by[j], by[i] })
	return by
}

func randomZone(t *testing.T, r *rand.Rand) *time.Location {
	t.Helper()
	name := []string{"", "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"}[r.IntN(6)]
	if name == "" {
		return nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}
