package main

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// fakeSimulation answers as the API does: a quote when there is an amount, sums when calls are asked for.
func fakeSimulation(w http.ResponseWriter, body []byte) {
	var in struct {
		Models      []struct{ Provider, Model string }
		Usage       map[string]int64
		Recorded    map[string]string
		ServiceTier string `json:"service_tier"`
		At          string
	}
	_ = json.Unmarshal(body, &in)
	quotes, recorded := "", "null"
	if in.Usage != nil {
		quotes = fmt.Sprintf(`{"provider":%q,"model":%q,"cost_usd":"0.000150000","price_status":"exact","price_version":"v","price_rule":"tier %s at %s","clamped":false,"closest":"","lines":[
{"bucket":"input_uncached","tokens":%d,"price_usd_per_mtok":"0.15","amount_usd":"0.00015","rule":"input"}]},
{"provider":"local","model":"qwen3","cost_usd":null,"price_status":"unpriced","price_version":"","price_rule":"no price is known for local/qwen3","clamped":false,"closest":"groq/qwen/qwen3-32b","lines":[
{"bucket":"input_uncached","tokens":%d,"price_usd_per_mtok":null,"amount_usd":null,"rule":"no price is known"}]}`,
			in.Models[0].Provider, in.Models[0].Model, in.ServiceTier, in.At, in.Usage["input_uncached"], in.Usage["input_uncached"])
	}
	if in.Recorded != nil {
		calls := 5000
		if in.Recorded["model"] == "gpt-4o" {
			calls = 1200
		}
		recorded = fmt.Sprintf(`{"since":"2025-03-01T00:00:00.000000Z","until":"2025-03-04T00:00:00.000000Z","calls":%d,"skipped":3,"unpriced_calls":2,"recorded_usd":"1.500000000","truncated":false,"from":[],
"models":[{"provider":%q,"model":%q,"calls":1198,"no_price":2,"simulated_usd":"0.090000000","compared":1196,"recorded_usd":"1.500000000","difference_usd":"-1.410000000"}]}`, calls, in.Models[0].Provider, in.Models[0].Model)
	}
	fmt.Fprintf(w, `{"version":"2026-11-23","at":"2025-03-04T08:00:00.000000Z","quotes":[%s],"recorded":%s}`, quotes, recorded)
}
