package grafana

// savings is what the response cache is worth.
func savings() *board {
	const where = "FROM {usage} WHERE {filter}"
	return &board{
		uid: "cache", title: "Cache & savings", from: "now-7d",
		about:     "What weir's response cache answered and saved, and what the providers' own prompt caches read.",
		variables: []variable{byProject, byModel, byPrompt, byKey},
		rows: []row{
			{"In this span of time", []panel{
				figure("Saved", "What the answers from the cache would have cost.", "currencyUSD", ask("SELECT sum(u.saved) AS saved "+where)),
				figure("Saved, of what it would have cost", "", "percentunit", ask("SELECT sum(u.saved) / nullIf(sum(u.saved) + sum(u.cost), 0) AS share "+where)),
				figure("Answered from the cache", "", "short", ask("SELECT sum(u.cache_hits) AS hits "+where)),
				figure("Hit rate", "Hits among the calls that asked the cache.", "percentunit", ask("SELECT sum(u.cache_hits) / nullIf(sumIf(calls, cache IN ('hit', 'semantic', 'miss')), 0) AS rate "+where)),
				figure("Provider's cache reads", "The share of input tokens that the providers billed as cached.", "percentunit", ask("SELECT sum(u.cache_read) / nullIf({tokens_in}, 0) AS share "+where)),
				{shape: number, title: "Cache filled", about: "Of its bound in memory.", width: 4, height: 4, unit: "percentunit", queries: []Query{live("max(weir_cache_bytes / weir_cache_max_bytes)")}, warn: 0.8, alarm: 0.95},
			}},
			{"Over time", []panel{
				chart(stacked, "Calls by what the cache did", "", "short", "${__field.labels.name}", ask("SELECT $__timeInterval(u.time) AS t, cache AS name, sum(u.calls) AS calls "+where+" AND cache != 'off' GROUP BY t, name ORDER BY t")),
				chart(stacked, "Saved by project", "", "currencyUSD", "${__field.labels.name}", maybe("SELECT $__timeInterval(u.time) AS t, project AS name, sum(u.saved) AS saved "+where+" GROUP BY t, name HAVING saved > 0 ORDER BY t")),
				chart(lines, "Hit rate", "", "percentunit", "", ask("SELECT $__timeInterval(u.time) AS t, sum(u.cache_hits) / nullIf(sumIf(calls, cache IN ('hit', 'semantic', 'miss')), 0) AS rate "+where+" GROUP BY t ORDER BY t")),
				chart(lines, "Made room, ran out, refused", "A second.", "ops", "", live("sum(rate(weir_cache_evictions_total[$__rate_interval])) ;; made room"), live("sum(rate(weir_cache_expired_total[$__rate_interval])) ;; ran out"), live("sum(rate(weir_cache_semantic_refused_total[$__rate_interval])) ;; no room in a budget for a vector")),
			}},
			{"Which", []panel{
				list("By model", "", ask("SELECT model, sum(u.calls) AS calls, sum(u.cache_hits) AS hits, sum(u.saved) AS saved, sum(u.cache_read) / nullIf({tokens_in}, 0) AS read_by_provider "+where+" GROUP BY model ORDER BY saved DESC LIMIT 100"), over{column: "saved", unit: "currencyUSD"}, over{column: "read_by_provider", unit: "percentunit"}),
				chart(lines, "Audits of like questions", "Whether the answer of a like question answers the question, as judged.", "ops", "", live("sum(rate(weir_cache_audits_agreed_total[$__rate_interval])) ;; it does"), live("sum(rate(weir_cache_audits_disagreed_total[$__rate_interval])) ;; it does not")),
			}},
		},
	}
}
