package clickhouse

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
	"github.com/weir-dev/weir/trace/tracetest"
)

// BenchmarkWrite writes batches of 25,000 calls, with and without bodies of 1.5 KB:
//
//	go test ./clickhouse -run - -bench Write -benchtime 10x
func BenchmarkWrite(b *testing.B) {
	for _, size := range []int{0, 1500} {
		b.Run(fmt.Sprintf("bodies=%d", size), func(b *testing.B) {
			cfg := testConfig(b)
			cfg.Preview = nil
			db := openTest(b, cfg)
			if err := db.Migrate(b.Context()); err != nil {
				b.Fatal(err)
			}
			batch := benchBatch(25_000, size)
			best := time.Hour
			for b.Loop() {
				batch.Token = "batch " + strconv.FormatUint(rand.Uint64(), 36)
				start := time.Now()
				if err := db.Write(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
				best = min(best, time.Since(start))
			}
			b.ReportMetric(float64(b.N*batch.Len())/b.Elapsed().Seconds(), "calls/s")
			b.ReportMetric(float64(batch.Len())/best.Seconds(), "best-calls/s")
		})
	}
}

// benchBatch makes calls of the last hour with bodies of about size bytes of varied words.
func benchBatch(n, size int) trace.Batch {
	r := rand.New(rand.NewPCG(1, 2))
	now := time.Now().UTC()
	records := tracetest.Random(r, n, now.Add(-time.Hour), now)
	for i := range records { // fewer combinations than Random's: what a service asks of two models under a few keys
		c := &records[i].Call
		c.User, c.Project, c.ModelRequested = "user"+strconv.Itoa(r.IntN(500)), "default", "fast"
		c.Provider, c.Model, c.Endpoint = "openai", []string{"gpt-4o-mini-2024-07-18", "gpt-4o-2024-08-06"}[r.IntN(2)], llm.ChatCompletions
		c.Prompt, c.PromptVersion, c.Arm, c.Cache, c.PriceStatus = "", 0, "", trace.CacheOff, "exact"
		if r.IntN(30) > 0 {
			c.Status, c.Error, c.ErrorCode = trace.StatusOK, nil, ""
		}
		records[i].Attempts = nil
		records[i].Body = trace.Body{}
		if size > 0 {
			records[i].Body.Request = words(r, size*2/3)
			records[i].Body.Response = words(r, size/3)
		}
	}
	return trace.Batch{Records: trace.Slice(records)}
}

func words(r *rand.Rand, size int) []byte {
	b := []byte(`{"model":"gpt-4o-mini","messages":[{"role":"user","content":"`)
	for len(b) < size {
		b = strconv.AppendUint(append(b, "order "...), r.Uint64()>>48, 36)
		b = append(b, " was shipped to the customer "...)
	}
	return append(b, `"}]}`...)
}
