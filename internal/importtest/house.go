// Package importtest holds, as a table, which package of this module may import which, and fails when one breaks it.
package importtest

import (
	"path"
	"strings"
)

// module is the import path of this module.
const module = "github.com/weir-dev/weir"

// room is one row of the table: the packages it speaks of, and what they may import from this module.
type room struct {
	// packages is a path.Match pattern of import paths below the module; the first row that matches holds.
	packages string
	// may lists patterns of packages they may import. "*" in a pattern stops at a slash; "everything" allows all.
	may []string
	// why is said when an arrow is broken.
	why string
}

const everything = "everything"

// house is which way the doors open. To change the shape of the house, change this table in the same commit and say why.
var house = []room{
	{"cmd/weir", []string{everything}, "cmd/weir is where all rooms meet"},
	{"bench", []string{"bench/*", "llm", "internal/simulator"}, "the benchmark drives the program from outside"},
	{"bench/*", []string{"bench/*", "llm", "internal/simulator"}, "the benchmark drives the program from outside"},

	{"llm", []string{"internal/rawjson"}, "the words of the house stand on the standard library alone"},
	{"llm/tokens", []string{"llm", "internal/rawjson"}, "counting tokens needs the words and nothing else"},
	{"price", []string{"llm"}, "a price is a pure function of a model, its usage and a time"},
	{"price/advice", []string{"llm", "price"}, "advice is arithmetic on sums and prices"},
	{"price/forecast", nil, "a forecast is arithmetic on numbers"},
	{"price/catalogue", []string{"price"}, "the generator writes the price book's own form"},
	{"trace", []string{"llm", "price"}, "the record is made of calls and money"},
	{"trace/otelout", []string{"llm", "price", "trace"}, "sending spans out needs the record and nothing else"},
	{"trace/tail", []string{"trace"}, "following calls needs the record and nothing else"},
	{"trace/tracetest", []string{"llm", "price", "trace"}, "the contract of a store, as a test"},
	{"account/accounttest", []string{"account"}, "the contract of a store, as a test"},
	{"account", nil, "who calls stands on the standard library alone"},

	{"ingest", []string{"llm", "llm/tokens", "trace", "price", "account", "internal/*"}, "the write side knows the nouns; stages and stores are handed to it by cmd/weir"},
	{"ingest/budget/budgettest", []string{"ingest/budget", "price"}, "the contract of a ledger, as a test"},
	{"ingest/limit/limittest", []string{"ingest/limit"}, "the contract of a store of counters, as a test"},
	{"ingest/cache/cachetest", []string{"ingest/cache", "llm"}, "the contract of a store of answers, as a test"},
	{"ingest/*", []string{"llm", "llm/tokens", "trace", "price", "account", "internal/*"}, "stages know the nouns, never each other and never ingest: they meet in cmd/weir"},

	{"ingest/cache/vectorstest", []string{"ingest/cache"}, "the contract of a store, as a test"},
	{"prompts", []string{"llm", "internal/rawjson", "internal/jsonschema", "internal/yamldoc"}, "prompts are put into calls, so they know the words; they meet the other rooms in cmd/weir"},

	{"alert", []string{"llm", "trace", "price", "price/forecast", "account", "internal/*"}, "rules look at sums, scores and budgets; what gives them and who is told is handed in by cmd/weir"},
	{"alert/alerttest", []string{"alert", "price"}, "the contract of a store, as a test"},
	{"alert/notify", []string{"alert", "account", "price", "internal/*"}, "it tells people of alerts, and knows no stores"},

	{"eval", []string{"eval/*", "llm", "llm/tokens", "trace", "price", "internal/*"}, "an evaluation knows the nouns and its metrics; what it asks and where it is kept is handed in"},
	{"eval/drift", []string{"eval/stats", "trace"}, "it compares what a store counts; stores are handed in"},
	{"eval/evaltest", []string{"eval", "trace", "price"}, "the contract of stores, as a test"},
	{"eval/online", []string{"eval", "eval/judge", "eval/stats", "llm", "trace", "price", "internal/*"}, "live calls are scored by what scores runs; stores and the way to models are handed in"},
	{"eval/online/onlinetest", []string{"eval/online", "eval", "price"}, "the contract of a store, as a test"},
	{"eval/text", nil, "it prepares texts for metrics, and knows none of the nouns"},
	{"eval/bleu", []string{"eval/text"}, "a metric is numbers made of texts"},
	{"eval/chrf", []string{"eval/text"}, "a metric is numbers made of texts"},
	{"eval/ter", []string{"eval/text"}, "a metric is numbers made of texts"},
	{"eval/rouge", []string{"eval/text"}, "a metric is numbers made of texts"},
	{"eval/stats", nil, "statistics are numbers in, numbers out"},
	{"eval/retrieval", []string{"eval/stats"}, "it measures lists of passages, and knows no pipelines, stores or models: they meet in cmd/weir"},
	{"eval/judge", []string{"eval/stats", "llm", "llm/tokens", "price", "internal/*"}, "a judge asks models through a sender that is handed in; it knows no stores, prompts or datasets"},

	{"rag", []string{"llm", "llm/tokens", "price", "internal/*"}, "a pipeline asks models and an index that are handed in; it meets the other rooms in cmd/weir"},
	{"rag/ragtest", []string{"rag", "price"}, "the contract of stores, as a test"},
	{"rag/bm25", []string{"rag"}, "words become weights; it knows no stores and no models"},
	{"rag/hashing", []string{"rag"}, "it makes vectors of texts, and asks nobody"},
	{"rag/wordpiece", nil, "it makes tokens of texts, and knows none of the nouns"},
	{"rag/minilm", []string{"rag", "rag/wordpiece"}, "it makes vectors of texts, and asks nobody"},
	{"rag/split", []string{"rag", "llm/tokens"}, "it cuts texts by tokens, and knows no stores and no models"},
	{"rag/source", []string{"rag", "internal/*"}, "it reads documents, and knows no stores and no models"},
	{"rag/qdrant", []string{"rag", "account"}, "a store implements the interface that stands beside its noun"},

	{"clickhouse", []string{"llm", "trace", "price", "price/advice", "account", "ingest/cache", "prompts/experiment", "eval", "rag", "internal/*"}, "a store implements interfaces that stand beside their nouns"},
	{"clickhouse/engine", []string{"internal/*"}, "the engine speaks ClickHouse's protocol and knows nothing of calls"},
	{"sqldb", []string{"alert", "dashboards/report", "dashboards/report/schedule", "llm", "trace", "price", "account", "prompts", "prompts/experiment", "eval", "eval/online", "internal/*"}, "a store implements interfaces that stand beside their nouns"},
	{"redisdb", []string{"ingest/budget", "ingest/limit", "ingest/cache", "llm", "price", "account", "internal/*"}, "a store implements interfaces that stand beside their nouns; those of a shared replica stand in its stages"},
	{"api", []string{"alert", "dashboards/report", "dashboards/report/*", "llm", "llm/tokens", "trace", "trace/tail", "price", "price/advice", "price/forecast", "account", "prompts", "prompts/experiment", "eval", "eval/*", "rag", "internal/*"}, "the API reads through interfaces that cmd/weir fills with stores"},
	{"dashboards/console", nil, "the console is files and a handler for them"},
	{"dashboards/grafana", nil, "the boards ask the tables by their names"},
	{"dashboards/report", []string{"price"}, "a report is numbers put on paper; where they come from is handed in"},
	{"dashboards/report/gather", []string{"dashboards/report", "alert", "llm", "trace", "price", "price/forecast"}, "it asks stores, which are handed in, for the figures of a report"},
	{"dashboards/report/schedule", []string{"dashboards/report", "alert", "llm", "price"}, "it sends reports by the outbox of alerts; stores and what makes reports are handed in"},
	{"dashboards/report/scheduletest", []string{"dashboards/report", "dashboards/report/schedule", "alert", "price"}, "the contract of a store, as a test"},
	{"dashboards/grafana/generate", []string{"dashboards/grafana"}, "it writes the boards"},
	{"deploy", nil, "the deployment is files and a test of them"},

	{"prompts/promptstest", []string{"prompts"}, "the contract of a store, as a test"},
	{"prompts/experiment", []string{"llm", "trace", "price", "prompts/experiment/stats", "internal/*"}, "an experiment is judged from sums that a store hands in; it knows nothing of stores, prompts or HTTP"},
	{"prompts/experiment/stats", nil, "statistics are numbers in, numbers out"},
	{"prompts/experiment/experimenttest", []string{"prompts/experiment", "prompts/experiment/stats"}, "the contract of a store, as a test"},
	{"internal/httperr", []string{"llm"}, "errors become statuses at the edges; only their kinds are known"},
	{"internal/jsonschema", nil, "it checks values of anybody, and knows none of the nouns"},
	{"internal/yamldoc", []string{"internal/rawjson"}, "it reads documents of anybody, and knows none of the nouns"},
	{"internal/parquet", nil, "it reads and writes tables of anybody, and knows none of the nouns"},
	{"internal/expression", nil, "conditions run over plain values; what they mean is their users' business"},
	{"internal/rawjson", nil, "llm stands on it, so it stands on the standard library alone"},
	{"internal/outbox", []string{"account", "price"}, "it tells outside addresses of anything; how far it came is kept as price.Delivery"},
	{"internal/metrics", []string{"llm", "trace", "price", "rag"}, "metrics count what the nouns say"},
	{"internal/simulator", []string{"llm", "llm/tokens", "trace", "price", "internal/rawjson"}, "the simulated provider stands on the other side of the wire, and tells a past made of records"},
	{"internal/badserver", nil, "the provider that misbehaves stands on the other side of the wire"},
	{"internal/faultproxy", nil, "the network that fails knows nothing of what it carries"},
	{"internal/testutil/enginetest", []string{"clickhouse/engine"}, "it starts the engine for tests of other packages"},
	{"internal/testutil/postgrestest", nil, "it starts a database for tests of other packages"},
	{"internal/testutil/redistest", nil, "it starts the server for tests of other packages"},
	{"internal/testutil/race", nil, "it says one thing about the build"},
	{"internal/testutil", []string{"llm", "trace", "price", "account"}, "test helpers know the nouns"},
	{"internal/importtest", nil, "it reads the others from outside"},
}

// vendors names, for each module from outside, the one package that may import it. Its types do not leave that package.
// Tests are free, and so is golang.org/x, which is the standard library by another name.
var vendors = map[string]string{
	"github.com/ClickHouse/clickhouse-go/v2":                          "clickhouse",
	"github.com/ebitengine/purego":                                    "clickhouse/engine",
	"github.com/expr-lang/expr":                                       "internal/expression",
	"github.com/grafana/grafana-foundation-sdk/go":                    "dashboards/grafana",
	"github.com/jackc/pgx/v5":                                         "sqldb",
	"github.com/jedib0t/go-pretty/v6":                                 "cmd/weir",
	"github.com/knights-analytics/hugot":                              "rag/minilm", // with -tags hugot
	"github.com/labstack/echo/v4":                                     "cmd/weir",
	"github.com/maypok86/otter/v2":                                    "ingest/cache",
	"github.com/parquet-go/parquet-go":                                "internal/parquet",
	"github.com/pkoukk/tiktoken-go-loader":                            "llm/tokens",
	"github.com/pressly/goose/v3":                                     "sqldb",
	"github.com/prometheus/client_golang":                             "internal/metrics",
	"github.com/santhosh-tekuri/jsonschema/v6":                        "internal/jsonschema",
	"github.com/blevesearch/snowballstem":                             "rag/bm25",
	"github.com/twmb/murmur3":                                         "rag/bm25",
	"github.com/yuin/goldmark":                                        "rag/split",
	"github.com/JohannesKaufmann/html-to-markdown/v2":                 "rag/source",
	"github.com/bmatcuk/doublestar/v4":                                "rag/source",
	"github.com/qdrant/go-client":                                     "rag/qdrant",
	"github.com/sashabaranov/go-openai":                               "cmd/weir",
	"github.com/spf13/cobra":                                          "cmd/weir",
	"github.com/uptrace/bun":                                          "sqldb",
	"github.com/uptrace/bun/dialect/pgdialect":                        "sqldb",
	"github.com/uptrace/bun/dialect/sqlitedialect":                    "sqldb",
	"go.opentelemetry.io/otel":                                        "trace/otelout",
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp": "trace/otelout",
	"go.opentelemetry.io/otel/sdk":                                    "trace/otelout",
	"go.opentelemetry.io/otel/trace":                                  "trace/otelout",
	"github.com/redis/go-redis/v9":                                    "redisdb",
	"github.com/wneessen/go-mail":                                     "alert/notify",
	"go.yaml.in/yaml/v3":                                              "internal/yamldoc",
	"google.golang.org/grpc":                                          "rag/qdrant",
	"google.golang.org/protobuf":                                      "rag/qdrant",
	"modernc.org/sqlite":                                              "sqldb",
	"pgregory.net/rapid":                                              "ingest/budget/budgettest",
}

// standardOnly packages import no module from outside at all, golang.org/x included.
var standardOnly = []string{"llm", "account", "price", "trace", "internal/rawjson"}

// guarded packages open only to the named package, whatever a row's patterns say.
var guarded = map[string]string{
	"clickhouse": "cmd/weir",
	"sqldb":      "cmd/weir",
	"redisdb":    "cmd/weir",
}

// roomOf returns the row for the package pkg, named below the module, or nil.
func roomOf(pkg string) *room {
	for i := range house {
		if ok, _ := path.Match(house[i].packages, pkg); ok {
			return &house[i]
		}
	}
	return nil
}

// allows says whether the row lets its packages import pkg.
func (r *room) allows(pkg string) bool {
	for _, pattern := range r.may {
		if pattern == everything {
			return true
		}
		if ok, _ := path.Match(pattern, pkg); ok {
			return true
		}
	}
	return false
}

// below returns pkg named below the module, and whether it belongs to it.
func below(importPath string) (string, bool) {
	if importPath == module {
		return "", true
	}
	return strings.CutPrefix(importPath, module+"/")
}
