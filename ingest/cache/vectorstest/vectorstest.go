// Package vectorstest is the contract of cache.Vectors, as a test, with an implementation in memory.
package vectorstest

import (
	"crypto/sha256"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/weir-dev/weir/ingest/cache"
)

func key(s string) cache.Key { return sha256.Sum256([]byte(s)) }

// At is a point in the partition and with the answer of these names, at an angle in degrees, kept for an hour from now.
func At(partition, answer string, degrees float64) cache.Point {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	now := time.Now()
	return cache.Point{
		Place: cache.Place{Partition: key(partition), Answer: key(answer)}, Vector: []float32{float32(cos), float32(sin), 0},
		Labels: cache.Labels{Project: "p", Requested: "fast", Model: "m", Answered: "m-1"}, Stored: now, Expires: now.Add(time.Hour),
	}
}

// Test runs the contract; open makes an empty store that is closed with the test.
func Test(t *testing.T, open func(*testing.T) cache.Vectors) {
	add := func(t *testing.T, v cache.Vectors, points ...cache.Point) {
		t.Helper()
		if err := v.Add(t.Context(), points); err != nil {
			t.Fatalf("Add: %v", err)
		}
	}
	// near gives the answers' names near 0 degrees, the nearest first.
	names := map[cache.Key]string{}
	near := func(t *testing.T, v cache.Vectors, partition string, least float64, most int) (out []string) {
		t.Helper()
		found, err := v.Nearest(t.Context(), key(partition), []float32{1, 0, 0}, least, most)
		if err != nil {
			t.Fatalf("Nearest: %v", err)
		}
		for _, n := range found {
			out = append(out, names[n.Answer])
		}
		return out
	}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		names[key(name)] = name
	}
	is := func(t *testing.T, got []string, want ...string) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%v are near, want %v", got, want)
		}
	}

	t.Run("the nearest of one partition come first", func(t *testing.T) {
		v := open(t)
		is(t, near(t, v, "x", -1, 10))
		add(t, v)
		add(t, v, At("x", "a", 40), At("x", "b", 10), At("x", "c", 0), At("y", "d", 0), At("x", "e", 180))
		is(t, near(t, v, "x", -1.1, 10), "c", "b", "a", "e")
		is(t, near(t, v, "x", 0.5, 10), "c", "b", "a")
		is(t, near(t, v, "x", 0.5, 2), "c", "b")
		is(t, near(t, v, "y", 0.5, 2), "d")
		is(t, near(t, v, "z", -1, 2))
		found, err := v.Nearest(t.Context(), key("x"), []float32{1, 0, 0}, 0.9, 10)
		if err != nil || len(found) != 2 || math.Abs(found[0].Score-1) > 1e-6 || math.Abs(found[1].Score-math.Cos(math.Pi/18)) > 1e-6 {
			t.Errorf("%+v, %v", found, err)
		}
	})
	t.Run("the threshold itself counts", func(t *testing.T) {
		v := open(t)
		add(t, v, At("x", "a", 60))
		is(t, near(t, v, "x", 0.5-1e-6, 1), "a")
		is(t, near(t, v, "x", 0.5+1e-6, 1))
	})
	t.Run("a point takes the place of its like", func(t *testing.T) {
		v := open(t)
		old := At("x", "a", 0)
		old.Stored = old.Stored.Add(-time.Minute)
		add(t, v, old)
		add(t, v, At("x", "a", 90))
		is(t, near(t, v, "x", 0.5, 10))
		is(t, near(t, v, "x", -1, 10), "a")
	})
	t.Run("a point expires", func(t *testing.T) {
		v := open(t)
		late := At("x", "a", 0)
		late.Stored, late.Expires = late.Stored.Add(-time.Hour), late.Stored.Add(-time.Second)
		add(t, v, late, At("x", "b", 0))
		is(t, near(t, v, "x", 0, 10), "b")
	})
	t.Run("what is removed is gone, and nothing else", func(t *testing.T) {
		v := open(t)
		add(t, v, At("x", "a", 0), At("x", "b", 1), At("y", "a", 0), At("y", "c", 1))
		places := []cache.Place{{Partition: key("x"), Answer: key("a")}, {Partition: key("y"), Answer: key("c")}, {Partition: key("x"), Answer: key("none")}}
		if err := v.Remove(t.Context(), places); err != nil {
			t.Fatal(err)
		}
		is(t, near(t, v, "x", 0, 10), "b")
		is(t, near(t, v, "y", 0, 10), "a")
		if err := v.Remove(t.Context(), nil); err != nil {
			t.Errorf("Remove of nothing: %v", err)
		}
		add(t, v, At("x", "a", 0))
		is(t, near(t, v, "x", 0, 10), "a", "b")
	})
	t.Run("a purge takes what fits", func(t *testing.T) {
		for _, tt := range []struct {
			filter cache.Filter
			left   []string
		}{
			{cache.Filter{}, nil},
			{cache.Filter{Project: "p"}, []string{"c", "d"}},
			{cache.Filter{Project: "nobody' OR 1"}, []string{"a", "b", "c", "d"}},
			{cache.Filter{Model: "fast"}, []string{"b", "d"}},
			{cache.Filter{Model: "up"}, []string{"a", "c", "d"}},
			{cache.Filter{Model: "up-2024"}, []string{"a", "c", "d"}},
			{cache.Filter{Project: "p", Model: "fast"}, []string{"b", "c", "d"}},
			{cache.Filter{Tags: map[string]string{"team": "a"}}, []string{"b", "c", "d"}},
			{cache.Filter{Tags: map[string]string{"team": "a", "env": "x"}}, []string{"a", "b", "c", "d"}},
			{cache.Filter{OlderThan: time.Minute}, []string{"d"}},
			{cache.Filter{OlderThan: time.Minute, Project: "q"}, []string{"a", "b", "d"}},
			{cache.Filter{OlderThan: time.Hour}, []string{"a", "b", "c", "d"}},
		} {
			v := open(t)
			points := []cache.Point{At("x", "a", 0), At("x", "b", 1), At("x", "c", 2), At("x", "d", 3)}
			for i := range points[:3] {
				points[i].Stored = points[i].Stored.Add(-2 * time.Minute)
			}
			points[0].Tags = map[string]string{"team": "a", "env": "prod"}
			points[1].Requested, points[1].Model, points[1].Answered = "slow", "up", "up-2024"
			points[2].Project, points[3].Project, points[3].Requested = "q", "q", "slow"
			add(t, v, points...)
			if err := v.Purge(t.Context(), tt.filter); err != nil {
				t.Fatalf("%+v: %v", tt.filter, err)
			}
			is(t, near(t, v, "x", 0, 10), tt.left...)
		}
	})
	t.Run("the oldest are trimmed", func(t *testing.T) {
		v := open(t)
		var points []cache.Point
		for i, name := range []string{"a", "b", "c", "d", "e"} {
			p := At("x", name, float64(i))
			p.Stored = p.Stored.Add(time.Duration(i-5) * time.Minute)
			points = append(points, p)
		}
		add(t, v, points...)
		for most, want := range map[int][]string{5: {"a", "b", "c", "d", "e"}, 9: {"a", "b", "c", "d", "e"}} {
			if err := v.Trim(t.Context(), most); err != nil {
				t.Fatal(err)
			}
			is(t, near(t, v, "x", 0, 10), want...)
		}
		if err := v.Trim(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		is(t, near(t, v, "x", 0, 10), "d", "e")
	})
	t.Run("all are compared", func(t *testing.T) {
		const n, dims = 500, 64
		v := open(t)
		r := rand.New(rand.NewPCG(1, 2))
		random := func() []float32 {
			out := make([]float32, dims)
			var sum float64
			for i := range out {
				x := r.NormFloat64()
				out[i], sum = float32(x), sum+x*x
			}
			for i := range out {
				out[i] /= float32(math.Sqrt(sum))
			}
			return out
		}
		points := make([]cache.Point, n)
		for i := range points {
			points[i] = At("x", fmt.Sprint(i), 0)
			points[i].Vector = random()
		}
		add(t, v, points...)
		for range 5 {
			q := random()
			type scored struct {
				answer cache.Key
				score  float64
			}
			all := make([]scored, n)
			for i, p := range points {
				all[i] = scored{p.Answer, dot(q, p.Vector)}
			}
			slices.SortFunc(all, func(a, b scored) int {
				if a.score > b.score {
					return -1
				}
				return 1
			})
			found, err := v.Nearest(t.Context(), key("x"), q, -1, 8)
			if err != nil || len(found) != 8 {
				t.Fatalf("%d found: %v", len(found), err)
			}
			for i, got := range found {
				if got.Answer != all[i].answer || math.Abs(got.Score-all[i].score) > 1e-5 {
					t.Errorf("%d: score %v, want %v", i, got.Score, all[i].score)
				}
			}
		}
	})
}
