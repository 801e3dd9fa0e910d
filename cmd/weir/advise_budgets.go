package main

import (
	"log/slog"
	"net/url"

	"github.com/weir-dev/weir/ingest/budget"
	"github.com/weir-dev/weir/internal/metrics"
	"github.com/weir-dev/weir/price"
)

// BudgetsConfig says whom to tell of what happens to budgets.
type BudgetsConfig struct {
	Webhook WebhookConfig `yaml:"webhook"`
}

// WebhookConfig is an address that is told.
type WebhookConfig struct {
	URL          secretText `yaml:"url"`           // http or https; empty: nobody is told
	Secret       secretText `yaml:"secret"`        // signs what is sent
	AllowPrivate bool       `yaml:"allow_private"` // the host may be, or lead to, a private address
}

func (c *Config) validateBudgets(faults *configFaults) {
	w := &c.Budgets.Webhook
	resolveSecret(faults, "budgets.webhook.url", &w.URL)
	resolveSecret(faults, "budgets.webhook.secret", &w.Secret)
	checkURL(faults, w.URL.line, "budgets.webhook.url", w.URL.Reveal(), []string{"http", "https"})
	if w.URL.IsZero() && !w.Secret.IsZero() {
		faults.add(w.Secret.line, "budgets.webhook.secret: signs what is sent to budgets.webhook.url, which is not set")
	}
}

// budgetWebhook tells of events of budgets; nil when nobody is to be told.
func budgetWebhook(cfg Config, events price.BudgetEvents, log *slog.Logger) *budget.Webhook {
	w := cfg.Budgets.Webhook
	if w.URL.IsZero() {
		return nil
	}
	at, _ := url.Parse(w.URL.Reveal()) // validated
	return budget.NewWebhook(budget.WebhookConfig{URL: at, Secret: w.Secret.Secret, AllowPrivate: w.AllowPrivate, Events: events, Log: log})
}

// budgetMetrics are the budgets as metrics show them.
func budgetMetrics(guard *budget.Guard) func() []metrics.Budget {
	return func() []metrics.Budget {
		list := guard.Glances()
		out := make([]metrics.Budget, len(list))
		for i, s := range list {
			out[i] = metrics.Budget{Name: s.Budget.Name, Used: float64(s.Percent) / 100, Dollars: s.Budget.LimitUSD > 0}
			if out[i].Dollars {
				out[i].RemainingUSD = s.Usage.Remaining(budget.Amount{USD: s.Budget.LimitUSD}).USD.Float64()
			}
		}
		return out
	}
}
