// Package upstream reaches language model providers: each Sender here speaks to one configured provider.
package upstream

import (
	"net/url"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/llm"
)

// Config describes one provider. The zero timeouts take the defaults named beside them.
type Config struct {
	Name    string   // how routes, records and cost tables name it
	PriceAs string   // its name in the price book
	BaseURL *url.URL // with the version: https://api.openai.com/v1; of Azure: the resource, or its …/openai/v1
	APIKey  account.Secret
	Quirks  llm.Quirks

	// APIVersion is Azure's api-version; "" is DefaultAzureVersion. A base URL that ends in /openai/v1 needs none.
	APIVersion string

	// NoStreamOptions: the server refuses stream_options, so usage is not asked for.
	NoStreamOptions bool
	// UncertainStreamOptions: an unknown server. A 400 or 422 that names stream_options is tried once more without,
	// and remembered.
	UncertainStreamOptions bool
	// AllowPrivate lets the host name resolve to private and loopback addresses. A host that is written as such an
	// address, or as localhost, needs no permission: whoever wrote it meant it.
	AllowPrivate bool

	ConnectTimeout   time.Duration // 10 s
	FirstByteTimeout time.Duration // 10 min, until the head of the answer
	IdleTimeout      time.Duration // 2 min between two reads of the body
}

func orDefault(d, def time.Duration) time.Duration {
	if d <= 0 {
		return def
	}
	return d
}
