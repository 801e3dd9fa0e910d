// Package api is the read and admin side of weir: JSON over the stores, described by one OpenAPI document.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
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

// Config is what an API is made of. Every field but PriceAs is needed.
type Config struct {
	Reader   trace.Reader
	Adjuster trace.Adjuster // of the same store
	Spool    Spool

	Keys        account.Keys
	KeysChanged func(context.Context) error // called after a key was made or ended

	Book          func() *price.Book           // the price book in force
	PriceAs       func(provider string) string // a configured provider's name in the price book; nil: the same
	Prices        PriceStore
	PricesChanged func(context.Context) error // called after a price was set or removed; its price.ErrEntry undoes that

	Budgets        price.Budgets
	BudgetLedger   BudgetLedger
	BudgetsChanged func(context.Context) error // called after a budget was made, changed or removed

	Cache Cache

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

	repricing sync.Mutex // held by the one reprice that may run

	guesses guesses
}

// New makes the API.
func New(cfg Config) *API {
	if cfg.PriceAs == nil {
		cfg.PriceAs = func(provider string) string { return provider }
	}
	a := &API{cfg: cfg}
	a.routes = a.table()
	a.document = document(a.routes)
	return a
}

// Handler serves all paths under /api/v1.
func (a *API) Handler() http.Handler { return a.mux() }

// SignInCode makes a code that signs a browser in once, within codeLife.
func (a *API) SignInCode() string { return a.sessions.code(time.Now()) }
