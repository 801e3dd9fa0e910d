package main

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/weir-dev/weir/clickhouse"
	"github.com/weir-dev/weir/clickhouse/engine"
	"github.com/weir-dev/weir/ingest/spool"
	"github.com/weir-dev/weir/prompts"
	"github.com/weir-dev/weir/rag/qdrant"
	"github.com/weir-dev/weir/sqldb"
)

// readiness answers /readyz: 200 when calls are answered and recorded as they should be, else 503 with the reasons.
// Calls are answered all the same: the records wait.
type readiness struct {
	store   *clickhouse.DB
	engine  *engine.Engine // nil beside a ClickHouse server
	spool   *spool.Disk
	control *sqldb.DB
	prompts *prompts.Registry
	redis   *replica      // nil where this weir shares nothing
	qdrant  *qdrant.Store // nil where ClickHouse keeps vectors
}

// reasons lists what is wrong, part by part.
func (r *readiness) reasons(ctx context.Context) map[string]string {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	out := map[string]string{}
	note := func(part string, err error) {
		if err != nil {
			out[part] = err.Error()
		}
	}
	if r.engine != nil {
		note("engine", r.engine.Health())
	}
	note("clickhouse", r.store.Ready(ctx))
	note("control", r.control.Ping(ctx))
	note("spool", r.spool.Health())
	note("redis", r.redis.ready())
	note("prompts", r.prompts.Health())
	if r.qdrant != nil {
		note("qdrant", r.qdrant.Ready(ctx)) // the last, as it may take what is left of the time
	}
	return out
}

// ServeHTTP answers the probe.
func (r *readiness) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	reasons := r.reasons(req.Context())
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	status := "ready"
	if len(reasons) > 0 {
		status = "not ready"
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"status": status, "reasons": reasons}) // a client that left needs no answer
}
