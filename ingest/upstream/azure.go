package upstream

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/weir-dev/weir/llm"
)

// DefaultAzureVersion is the api-version that is asked for unless configured.
const DefaultAzureVersion = "2024-10-21"

// Azure is a resource of Azure OpenAI. It speaks the OpenAI dialect at addresses of its own: what the client calls the
// model is the name of a deployment. Safe for concurrent use.
type Azure struct {
	sender *OpenAI
}

var _ llm.Sender = (*Azure)(nil)

// NewAzure makes the sender. The base URL is the resource (https://NAME.openai.azure.com, with or without /openai):
// calls go to /openai/deployments/{model}/… with an api-version; or it ends in /openai/v1, the newer interface without
// deployments in the path. Close releases its connections.
func NewAzure(cfg Config) *Azure {
	cfg.UncertainStreamOptions = true // api-versions before 2024-08 refuse them
	o := NewOpenAI(cfg)
	o.sign = func(h http.Header, call *llm.Call) {
		key := o.broughtKey(call)
		switch {
		case strings.HasPrefix(key, "eyJ"): // a token of Entra ID
			h.Set("Authorization", "Bearer "+key)
		case key != "":
			h.Set("Api-Key", key)
		}
	}
	if strings.HasSuffix(o.base, "/openai/v1") {
		o.place = func(call *llm.Call) string { return withQuery(o.base+call.Path, cfg.APIVersion) }
		return &Azure{sender: o}
	}
	root := strings.TrimSuffix(o.base, "/openai") + "/openai"
	version := cmp.Or(cfg.APIVersion, DefaultAzureVersion)
	o.place = func(call *llm.Call) string { return withQuery(root+inDeployment(call)+call.Path, version) }
	return &Azure{sender: o}
}

// Send asks the resource.
func (a *Azure) Send(ctx context.Context, call *llm.Call) (*llm.Response, error) {
	return a.sender.Send(ctx, call)
}

// Close drops idle connections; calls under way go on.
func (a *Azure) Close() { a.sender.Close() }

// inDeployment is the part of the path that names the deployment. What is not asked of one, such as stored responses
// and the list of models, has none.
func inDeployment(call *llm.Call) string {
	if call.Model == "" || call.Endpoint == llm.Models || call.Endpoint == llm.Responses || strings.HasPrefix(call.Path, "/responses") {
		return ""
	}
	return "/deployments/" + url.PathEscape(call.Model)
}

// withQuery adds the api-version to a URL that may have a query.
func withQuery(at, version string) string {
	if version == "" {
		return at
	}
	separator := "?"
	if strings.Contains(at, "?") {
		separator = "&"
	}
	return at + separator + "api-version=" + url.QueryEscape(version)
}
