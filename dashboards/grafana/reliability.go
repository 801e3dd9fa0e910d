package grafana

// reliability is whether calls are answered, and how soon.
func reliability() *board {
	const where = "FROM {usage} WHERE {filter}"
	return &board{
		uid: "reliability", title: "Reliability & latency", from: "now-24h",
		about:     "Whether calls are answered, and how soon. Quantiles are read off histograms whose bars each reach √2 times as far.",
		variables: []variable{byProject, byModel, byUser, byPrompt, byKey, byEnvironment},
		marks:     []mark{promptMoves, experiments, versions},
		rows: []row{
			{"In this span of time", []panel{
				figure("Calls", "", "short", ask("SELECT sum(u.calls) AS calls "+where)),
				figure("Failed", "Calls that ended in an error, as a share of all.", "percentunit", ask("SELECT sum(u.errors) / nullIf(sum(u.calls), 0) AS failed "+where)).limits(0.02, 0.05),
				figure("p50", "Half of the calls took no longer.", "ms", ask("SELECT {p50} AS p50 FROM "+summedBars(latencyBase, "SELECT {bars_latency} AS bars "+where))),
				figure("p95", "19 of 20 calls took no longer.", "ms", ask("SELECT {p95} AS p95 FROM "+summedBars(latencyBase, "SELECT {bars_latency} AS bars "+where))),
				figure("p99", "99 of 100 calls took no longer.", "ms", ask("SELECT {p99} AS p99 FROM "+summedBars(latencyBase, "SELECT {bars_latency} AS bars "+where))),
				figure("First token, p95", "Of the streams.", "ms", ask("SELECT {p95} AS p95 FROM "+summedBars(ttftBase, "SELECT {bars_ttft} AS bars "+where))),
			}},
			{"Over time", []panel{
				chart(stacked, "Calls by how they ended", "", "short", "${__field.labels.name}", ask("SELECT $__timeInterval(u.time) AS t, status AS name, sum(u.calls) AS calls "+where+" GROUP BY t, name ORDER BY t")),
				chart(lines, "Share that failed, by model", "Of the ten most called.", "percentunit", "${__field.labels.name}",
					ask("SELECT $__timeInterval(u.time) AS t, model AS name, sum(u.errors) / nullIf(sum(u.calls), 0) AS failed "+where+" AND model IN (SELECT model FROM usage_1h AS u WHERE $__timeFilter(u.time) GROUP BY model ORDER BY sum(u.calls) DESC LIMIT 10) GROUP BY t, name ORDER BY t")).limits(0.02, 0.05),
				chart(lines, "Latency", "From the request to the last byte.", "ms", "", ask("SELECT t, {p50} AS p50, {p95} AS p95, {p99} AS p99 FROM "+summedBars(latencyBase, "SELECT $__timeInterval(u.time) AS t, {bars_latency} AS bars "+where+" GROUP BY t")+" ORDER BY t")),
				chart(lines, "Time to the first token", "Of the streams.", "ms", "", ask("SELECT t, {p50} AS p50, {p95} AS p95 FROM "+summedBars(ttftBase, "SELECT $__timeInterval(u.time) AS t, {bars_ttft} AS bars "+where+" GROUP BY t")+" ORDER BY t")),
				chart(lines, "p95 by model", "Of the ten most called.", "ms", "${__field.labels.name}",
					ask("SELECT t, name, {p95} AS p95 FROM "+summedBars(latencyBase, "SELECT $__timeInterval(u.time) AS t, model AS name, {bars_latency} AS bars "+where+" AND model IN (SELECT model FROM usage_1h AS u WHERE $__timeFilter(u.time) GROUP BY model ORDER BY sum(u.calls) DESC LIMIT 10) GROUP BY t, name")+" ORDER BY t")),
				chart(lines, "Tries beyond the first", "Retries and fallbacks, a second, by what became of the try before.", "ops", "{{provider}} {{outcome}}", live("sum by (provider, outcome) (rate(weir_upstream_attempts_total[$__rate_interval])) ;; {{provider}} {{outcome}}")),
			}},
			{"Which", []panel{
				list("By provider and model", "", ask("SELECT provider, model, calls, failed, {p50} AS p50, {p95} AS p95 FROM "+summedBars(latencyBase, "SELECT provider, model, sum(u.calls) AS calls, sum(u.errors) / nullIf(sum(u.calls), 0) AS failed, {bars_latency} AS bars "+where+" GROUP BY provider, model")+" ORDER BY calls DESC LIMIT 100"),
					over{column: "failed", unit: "percentunit"}, over{column: "p50", unit: "ms"}, over{column: "p95", unit: "ms"}),
				list("What failed last", "The newest fifty of the last day shown.", maybe("SELECT start_time AS time, project, model, status, error_code AS error, substring(error_message, 1, 200) AS message, id AS call FROM calls AS u WHERE start_time >= greatest($__fromTime, $__toTime - INTERVAL 1 DAY) AND start_time <= $__toTime AND kind = 'call' AND status IN ('error', 'cut') AND {filter_calls} ORDER BY start_time DESC LIMIT 50")),
			}},
		},
	}
}
