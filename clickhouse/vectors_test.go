package clickhouse

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/weir-dev/weir/ingest/cache"
	"github.com/weir-dev/weir/ingest/cache/vectorstest"
)

func TestVectors(t *testing.T) {
	db := openTest(t, testConfig(t))
	vectorstest.Test(t, func(t *testing.T) cache.Vectors {
		t.Helper()
		if err := db.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := db.conn.Exec(t.Context(), "TRUNCATE TABLE cache_vectors"); err != nil {
			t.Fatal(err)
		}
		return db.Vectors()
	})
}

// BenchmarkNearest measures a search in one partition among points of many, through the driver.
func BenchmarkNearest(b *testing.B) {
	db := openTest(b, testConfig(b))
	v := db.Vectors()
	const dims = 512
	random := rand.New(rand.NewPCG(1, 1))
	point := func(partition string, i int) cache.Point {
		p := vectorstest.At(partition, fmt.Sprintf("%s/%d", partition, i), 0)
		p.Vector = make([]float32, dims)
		for d := range p.Vector {
			p.Vector[d] = float32(random.NormFloat64()) / 22.6
		}
		p.Stored = p.Stored.Add(time.Duration(i) * time.Microsecond)
		return p
	}
	sizes := []int{1, 100, 1000, 10_000}
	for _, n := range sizes {
		var points []cache.Point
		for i := range n {
			points = append(points, point(fmt.Sprint(n), i))
		}
		if err := v.Add(b.Context(), points); err != nil {
			b.Fatal(err)
		}
	}
	for start := range 10 { // others
		var points []cache.Point
		for i := range 5000 {
			points = append(points, point(fmt.Sprintf("other %d", start*5000+i), i))
		}
		if err := v.Add(b.Context(), points); err != nil {
			b.Fatal(err)
		}
	}
	q := point("q", 0)
	for _, n := range sizes {
		in := vectorstest.At(fmt.Sprint(n), "", 0).Partition
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if _, err := v.Nearest(b.Context(), in, q.Vector, -1, 8); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
