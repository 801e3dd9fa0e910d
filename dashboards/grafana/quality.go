package grafana

// quality is what was thought of the answers, and whether the calls are still like what they were.
func quality() *board {
	// The highest revision of a score holds.
	const scores = "(SELECT id, argMax(s.name, s.revision) AS name, argMax(s.kind, s.revision) AS kind, argMax(s.value, s.revision) AS value, argMax(s.source, s.revision) AS source, argMax(s.model, s.revision) AS model, argMax(s.prompt, s.revision) AS prompt, argMax(s.prompt_version, s.revision) AS prompt_version, any(s.start_time) AS start_time, argMax(s.deleted, s.revision) AS deleted FROM scores AS s WHERE $__timeFilter(s.start_time) AND $__conditionalAll(s.project IN (${project:sqlstring}), $project) AND $__conditionalAll(s.model IN (${model:sqlstring}), $model) AND $__conditionalAll(s.prompt IN (${prompt:sqlstring}), $prompt) GROUP BY id HAVING NOT deleted) AS u"
	const where = "FROM {usage} WHERE {filter}"
	return &board{
		uid: "quality", title: "Quality & drift", from: "now-14d",
		about:     "What people, judges and metrics thought of the answers, and whether calls are still like what they were. Which shift is more than chance is said by weir's own drift tests, in its console.",
		variables: []variable{byProject, byModel, byPrompt, byKey},
		marks:     []mark{promptMoves, experiments},
		rows: []row{
			{"Scores", []panel{
				chart(lines, "Mean of each score", "The ten most given, of numbers and booleans.", "short", "${__field.labels.score}", maybe("SELECT $__timeInterval(u.start_time) AS t, name AS score, avg(value) AS mean FROM "+scores+" WHERE kind != 'category' AND name IN (SELECT name FROM scores WHERE $__timeFilter(start_time) GROUP BY name ORDER BY count() DESC LIMIT 10) GROUP BY t, score ORDER BY t")),
				chart(stacked, "Scores given, by source", "", "short", "${__field.labels.name}", maybe("SELECT $__timeInterval(u.start_time) AS t, source AS name, count() AS scores FROM "+scores+" GROUP BY t, name ORDER BY t")),
				list("By prompt and version", "", maybe("SELECT prompt, prompt_version AS version, name AS score, avg(value) AS mean, count() AS scores FROM "+scores+" WHERE kind != 'category' AND prompt != '' GROUP BY prompt, version, score ORDER BY prompt, score, version LIMIT 200")),
				list("By model", "", maybe("SELECT model, name AS score, avg(value) AS mean, count() AS scores FROM "+scores+" WHERE kind != 'category' GROUP BY model, score ORDER BY score, mean DESC LIMIT 200")),
			}},
			{"Are calls still what they were?", []panel{
				chart(lines, "Tokens of a call", "Means of each interval.", "short", "", ask("SELECT $__timeInterval(u.time) AS t, {tokens_in} / nullIf(sum(u.calls), 0) AS `in`, {tokens_out} / nullIf(sum(u.calls), 0) AS `out` "+where+" GROUP BY t ORDER BY t")),
				chart(stacked, "Which models answer", "", "short", "${__field.labels.name}", ask("SELECT $__timeInterval(u.time) AS t, model AS name, sum(u.calls) AS calls "+where+" GROUP BY t, name ORDER BY t")),
				chart(lines, "Share of the answers that are reasoning", "Reasoning tokens among those that came out.", "percentunit", "", ask("SELECT $__timeInterval(u.time) AS t, sum(u.reasoning) / nullIf({tokens_out}, 0) AS share "+where+" GROUP BY t ORDER BY t")),
				chart(lines, "Answers cut short", "Calls that ended with the reason length, as a share of the answered; the last seven days shown at most.", "percentunit", "",
					ask("SELECT $__timeInterval(u.start_time) AS t, countIf(has(finish_reasons, 'length')) / count() AS share FROM calls AS u WHERE start_time >= greatest($__fromTime, $__toTime - INTERVAL 7 DAY) AND start_time <= $__toTime AND kind = 'call' AND status = 'ok' AND {filter} GROUP BY t ORDER BY t")),
			}},
		},
	}
}
