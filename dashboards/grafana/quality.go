package grafana

// quality is what was thought of the answers, and whether the calls are still like what they were.
func quality() *board {
	// The highest revision of a score holds.
	scores := func(columns string) string {
		return "(SELECT " + columns + " FROM (SELECT id, deleted, " + columns + " FROM scores AS s WHERE $__timeFilter(s.start_time) AND $__conditionalAll(s.project IN (${project:sqlstring}), $project) AND $__conditionalAll(s.model IN (${model:sqlstring}), $model) AND $__conditionalAll(s.prompt IN (${prompt:sqlstring}), $prompt) ORDER BY s.revision DESC LIMIT 1 BY id) WHERE NOT deleted) AS u"
	}
	const where = "FROM {usage} WHERE {filter}"
	const calls = "FROM calls AS u WHERE u.start_time >= $__fromTime AND u.start_time <= $__toTime AND {sample} AND u.kind = 'call' AND {filter_calls}"
	return &board{
		uid: "quality", title: "Quality & drift", from: "now-14d",
		about:     "What people, judges and metrics thought of the answers, and whether calls are still like what they were. Which shift is more than chance is said by weir's own drift tests, in its console.",
		variables: []variable{byProject, byModel, byUser, byPrompt, byKey, byEnvironment},
		marks:     []mark{promptMoves, experiments, versions, prices},
		rows: []row{
			{"Scores", []panel{
				chart(lines, "Mean of each score", "The ten most given, of numbers and booleans.", "short", "${__field.labels.score}", maybe("SELECT $__timeInterval(u.start_time) AS t, name AS score, avg(value) AS mean FROM "+scores("name, kind, value, start_time")+" WHERE kind != 'category' AND name IN (SELECT name FROM scores WHERE $__timeFilter(start_time) GROUP BY name ORDER BY count() DESC LIMIT 10) GROUP BY t, score ORDER BY t")),
				chart(stacked, "Scores given, by source", "", "short", "${__field.labels.name}", maybe("SELECT $__timeInterval(u.start_time) AS t, source AS name, count() AS scores FROM "+scores("source, start_time")+" GROUP BY t, name ORDER BY t")),
				list("The last day beside the days before", "Means of what was scored in the last 24 hours shown, and before that.", maybe("SELECT name AS score, avgIf(value, u.start_time >= $__toTime - INTERVAL 1 DAY) AS last_day, avgIf(value, u.start_time < $__toTime - INTERVAL 1 DAY) AS before, last_day - before AS moved, countIf(u.start_time >= $__toTime - INTERVAL 1 DAY) AS scores, countIf(u.start_time < $__toTime - INTERVAL 1 DAY) AS scores_before FROM "+scores("name, kind, value, start_time")+" WHERE kind != 'category' GROUP BY score HAVING scores > 0 AND scores_before > 0 ORDER BY abs(moved) DESC LIMIT 100")).wide(),
				list("By prompt and version", "", maybe("SELECT prompt, prompt_version AS version, name AS score, avg(value) AS mean, count() AS scores FROM "+scores("name, kind, value, prompt, prompt_version")+" WHERE kind != 'category' AND prompt != '' GROUP BY prompt, version, score ORDER BY prompt, score, version LIMIT 200")),
				list("By model", "", maybe("SELECT model, name AS score, avg(value) AS mean, count() AS scores FROM "+scores("name, kind, value, model")+" WHERE kind != 'category' GROUP BY model, score ORDER BY score, mean DESC LIMIT 200")),
			}},
			{"Are calls still what they were?", []panel{
				chart(lines, "PSI of models and endings", "How far each day (UTC) lies from the same weekday of the four weeks before, over the models that answered and over how calls ended. "+psiAbout, "short", "", ask(psiOf("models", "model")), ask(psiOf("endings", "status"))).limits(0.1, 0.25),
				list("PSI of lengths", "How far the tokens of the calls with status ok lie from those of the four weeks before: the last 24 hours shown beside the same weekday. A sample is looked at where there are many. "+psiAbout, maybe(psiOfLengths())),
				chart(lines, "Tokens of a call", "Means of each interval.", "short", "", ask("SELECT $__timeInterval(u.time) AS t, {tokens_in} / nullIf(sum(u.calls), 0) AS `in`, {tokens_out} / nullIf(sum(u.calls), 0) AS `out` "+where+" GROUP BY t ORDER BY t")),
				chart(lines, "Input tokens: a tenth, half and nine tenths", "Of the calls with status ok; of a sample where there are many.", "short", "", ask("SELECT t, q[1] AS p10, q[2] AS p50, q[3] AS p90 FROM (SELECT {slot} AS t, quantiles(0.1, 0.5, 0.9)("+inputTokens+") AS q "+calls+" AND u.status = 'ok' GROUP BY t) ORDER BY t")),
				chart(lines, "Output tokens: a tenth, half and nine tenths", "Of the calls with status ok; of a sample where there are many.", "short", "", ask("SELECT t, q[1] AS p10, q[2] AS p50, q[3] AS p90 FROM (SELECT {slot} AS t, quantiles(0.1, 0.5, 0.9)("+outputTokens+") AS q "+calls+" AND u.status = 'ok' GROUP BY t) ORDER BY t")),
				chart(lines, "Refused and cut short", "Of the calls with status ok: those that a provider's filter or the model itself held back (content_filter), and those that ended at a limit of tokens (length); of a sample where there are many.", "percentunit", "",
					ask("SELECT {slot} AS t, countIf(has(u.finish_reasons, 'content_filter')) / count() AS `refused`, countIf(has(u.finish_reasons, 'length')) / count() AS `cut short` "+calls+" AND u.status = 'ok' GROUP BY t ORDER BY t")),
				chart(shares, "Which models answer", "", "percentunit", "${__field.labels.name}", ask("SELECT $__timeInterval(u.time) AS t, model AS name, sum(u.calls) AS calls "+where+" GROUP BY t, name ORDER BY t")),
				chart(lines, "Share of the answers that are reasoning", "Reasoning tokens among those that came out.", "percentunit", "", ask("SELECT $__timeInterval(u.time) AS t, sum(u.reasoning) / nullIf({tokens_out}, 0) AS share "+where+" GROUP BY t ORDER BY t")),
			}},
		},
	}
}

const psiAbout = "By custom below 0.1 is little, and from 0.25 on is much; of few calls it is high by chance."
