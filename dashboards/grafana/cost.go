package grafana

// cost is what was spent, on what, for whom.
func cost() *board {
	const where = "FROM {spent} WHERE {filter}"
	return &board{
		uid: "cost", title: "Cost", from: "now-30d",
		about:     "What was spent, on what and for whom; exact sums of the recorded calls, corrections included.",
		variables: []variable{byProject, byModel, byUser, byPrompt, byKey, byEnvironment},
		marks:     []mark{promptMoves, experiments, versions, prices},
		rows: []row{
			{"In this span of time", []panel{
				figure("Spent", "Of the priced calls.", "currencyUSD", ask("SELECT sum(u.cost) AS spent "+where)),
				figure("Saved by the cache", "What the answers from the response cache would have cost.", "currencyUSD", ask("SELECT sum(u.saved) AS saved "+where)),
				figure("Calls", "", "short", ask("SELECT sum(u.calls) AS calls "+where)),
				figure("A call costs", "The mean of the calls.", "currencyUSD", ask("SELECT sum(u.cost) / nullIf(sum(u.calls), 0) AS mean "+where)),
				figure("Tokens", "In and out.", "short", ask("SELECT {tokens_in} + {tokens_out} AS tokens "+where)),
				figure("Calls without a price", "They cost what is not known: give their models prices (weir prices unpriced).", "short", ask("SELECT toInt64(sum(u.unpriced_calls)) AS calls "+where)).limits(1, 100),
			}},
			{"Over time", []panel{
				chart(stacked, "Cost a day by model", "The ten dearest; the rest as others.", "currencyUSD", "${__field.labels.name}",
					ask("SELECT toStartOfDay(u.time) AS day, if(model IN (SELECT model "+where+" GROUP BY model ORDER BY sum(u.cost) DESC LIMIT 10), model, 'others') AS name, sum(u.cost) AS cost "+where+" GROUP BY day, name ORDER BY day")).wide(),
				chart(stacked, "Tokens by kind", "Disjoint: they add up to the provider's totals.", "short", "",
					ask("SELECT toStartOfDay(u.time) AS day, sum(u.input_uncached) AS `input`, sum(u.cache_read) AS `cache read`, sum(u.cache_write_5m + u.cache_write_1h) AS `cache write`, sum(u.output_text) AS `output`, sum(u.reasoning) AS `reasoning`, sum(u.input_audio + u.output_audio) AS `audio` "+where+" GROUP BY day ORDER BY day")),
				chart(lines, "Cost of a call by model", "The mean of each day.", "currencyUSD", "${__field.labels.name}",
					ask("SELECT toStartOfDay(u.time) AS day, model AS name, sum(u.cost) / nullIf(sum(u.calls), 0) AS cost "+where+" AND model IN (SELECT model "+where+" GROUP BY model ORDER BY sum(u.cost) DESC LIMIT 10) GROUP BY day, name ORDER BY day")),
			}},
			{"On what and for whom", []panel{
				ranking("By project", "", "currencyUSD", ask("SELECT project, sum(u.cost) AS cost "+where+" GROUP BY project ORDER BY cost DESC LIMIT 15")),
				ranking("By model", "", "currencyUSD", ask("SELECT model, sum(u.cost) AS cost "+where+" GROUP BY model ORDER BY cost DESC LIMIT 15")),
				list("By user", "", ask("SELECT user, sum(u.cost) AS cost, sum(u.calls) AS calls, {tokens_in} AS tokens_in, {tokens_out} AS tokens_out, max(u.time) AS last_seen FROM {spent_by_user} WHERE {filter_user} GROUP BY user ORDER BY cost DESC LIMIT 100"), over{column: "cost", unit: "currencyUSD"}),
				list("By key", "", ask("SELECT project, key, sum(u.cost) AS cost, sum(u.calls) AS calls, max(u.time) AS last_used "+where+" GROUP BY project, key ORDER BY cost DESC LIMIT 100"), over{column: "cost", unit: "currencyUSD"}),
				list("By prompt and version", "", maybe("SELECT prompt, prompt_version AS version, sum(u.cost) AS cost, sum(u.calls) AS calls, sum(u.cost) / nullIf(sum(u.calls), 0) AS a_call FROM {spent_by_prompt} WHERE {filter} AND prompt != '' GROUP BY prompt, version ORDER BY cost DESC LIMIT 100"), over{column: "cost", unit: "currencyUSD"}, over{column: "a_call", unit: "currencyUSD"}),
				ranking("By environment", "The tag env of the calls of the last day shown; corrections are not in it.", "currencyUSD",
					maybe("SELECT tag_values[indexOf(tag_names, 'env')] AS env, sum(ifNull(cost, 0)) AS cost FROM calls AS u WHERE start_time >= greatest($__fromTime, $__toTime - INTERVAL 1 DAY) AND start_time <= $__toTime AND kind = 'call' AND has(tag_names, 'env') AND {filter_calls} GROUP BY env ORDER BY cost DESC LIMIT 15")),
			}},
		},
	}
}
