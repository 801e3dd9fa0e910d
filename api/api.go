// Package api is the read and admin side of weir: JSON over the stores, described by one OpenAPI document.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/eval/drift"
	"github.com/weir-dev/weir/eval/online"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/prompts"
	"github.com/weir-dev/weir/prompts/experiment"
	"github.com/weir-dev/weir/rag"
	"github.com/weir-dev/weir/trace"
	"github.com/weir-dev/weir/trace/tail"
)

// PriceStore keeps the prices that were set by hand. An entry is known by its provider, model, project and date. Safe
// for concurrent use.
type PriceStore interface {
	// Prices gives all of them.
	Prices(ctx context.Context) ([]price.Entry, error)
	// PutPrice stores an entry in place of the one that is known by the same.
	PutPrice(ctx context.Context, e price.Entry) error
	// PutPrices stores several in one step, all or none.
	PutPrices(ctx context.Context, entries []price.Entry) error
	// DeletePrice removes the entry that is known by the same as e, and says whether there was one.
	DeletePrice(ctx context.Context, e price.Entry) (bool, error)
}

// Config is what an API is made of. Every field but PriceAs, Adjusted, Gate and EvalRunner is needed.
type Config struct {
	Reader   trace.Reader
	Adjuster trace.Adjuster // of the same store
	Bundles  trace.Bundles  // of the same store
	Explorer trace.Explorer // of the same store
	Spool    Spool
	Tail     *tail.Tail // of the same store

	Keys        account.Keys
	KeysChanged func(context.Context) error // called after a key was made or ended

	Book          func() *price.Book           // the price book in force
	PriceAs       func(provider string) string // a configured provider's name in the price book; nil: the same
	Prices        PriceStore
	PricesChanged func(context.Context) error // called after a price was set or removed; its price.ErrEntry undoes that

	Budgets        price.Budgets
	BudgetLedger   BudgetLedger
	BudgetsChanged func(context.Context) error // called after a budget was made, changed or removed

	BudgetEvents price.BudgetEvents

	Scores trace.Scores
	Finder trace.Finder // of the same store as Reader

	Annotations eval.Annotations
	Datasets    eval.Datasets
	Evals       eval.Runs
	EvalResults eval.Results
	EvalRunner  EvalRunner   // nil: runs are begun on the command line
	Online      online.Store // of rules that score live calls

	Advice   AdviceStore                                         // of the same store as Reader
	Adjusted func(ctx context.Context, added []trace.Adjustment) // told of adjustments that were added; nil: nobody is

	Cache Cache

	Alerts *alert.Watch // its sources are of the same store as Reader

	Drift *drift.Reports // of the same store as Reader

	Reports Reports

	Prompts  prompts.Store
	Registry *prompts.Registry // of the same store
	Gate     prompts.Gate      // nil: no evaluation answers, and labels with a gate stay where they are

	Experiments      experiment.Store
	ExperimentReader experiment.Reader // of the same store as Reader

	RAG    RAG // nil: no pipeline is configured
	RAGLog rag.Log

	Members    account.Members
	Views      account.Views
	Playground Playground
	AdminToken account.Secret // the zero value opens nothing
	System     func(context.Context) System
	Log        *slog.Logger
}

// System describes the running weir. It holds no secret.
type System struct {
	Version       string
	StartedAt     time.Time
	UptimeSeconds float64
	DataDir       string
	Listen        string
	ClickHouse    StoreHealth
	Control       ControlHealth
	Providers     []ProviderInfo
	Replicas      []Replica    // that share the control plane, this one among them; nil: not known
	Qdrant        *StoreHealth // nil: none is configured
}

// Replica is one of the weirs that share a control plane, alive at this moment.
type Replica struct {
	ID              string
	Name            string
	StartedAt       time.Time
	PromptsRevision int64 // of the prompts that it answers calls with
}

// StoreHealth says how the store of records is.
type StoreHealth struct {
	Mode  string `json:"mode"` // embedded or server
	OK    bool   `json:"ok"`
	Error string `json:"error"` // "" while OK
}

// ControlHealth says what keeps keys and prices.
type ControlHealth struct {
	Kind string `json:"kind"` // sqlite or postgres
}

// ProviderInfo is a configured provider.
type ProviderInfo struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	BaseURL string `json:"base_url"` // a password in it is not shown
	Live    bool   `json:"live"`     // false: simulated
}

// API serves /api/v1. Safe for concurrent use.
type API struct {
	cfg      Config
	routes   []route
	document []byte // the OpenAPI document
	sessions sessions

	repricing  sync.Mutex // held by the one reprice that may run
	simulating sync.Mutex // held by the one simulation of recorded calls that may run

	guesses guesses
}

// New makes the API.
func New(cfg Config) *API {
	if cfg.PriceAs == nil {
		cfg.PriceAs = func(provider string) string { return provider }
	}
	a := &API{cfg: cfg}
	a.routes = slices.Concat(a.table(), a.promptRoutes(), a.memberRoutes(), a.scoreRoutes(), a.playgroundRoutes(), a.experimentRoutes(), a.datasetRoutes(), a.datasetFileRoutes(), a.datasetCallRoutes(), a.annotationRoutes(), a.agreementRoutes(), a.evalRoutes(), a.ragRoutes(), a.onlineRoutes(), a.alertRoutes(), a.driftRoutes(), a.happenedRoutes(), a.bundleRoutes(), a.facetRoutes(), a.viewRoutes(), a.reportRoutes())
	a.document = document(a.routes)
	return a
}

// Handler serves all paths under /api/v1.
func (a *API) Handler() http.Handler { return a.mux() }

// SignInCode makes a code that signs a browser in once, within codeLife.
func (a *API) SignInCode() string { return a.sessions.code(time.Now()) }
