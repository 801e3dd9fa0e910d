package grafana

// retrieval is what the RAG pipelines found, how long it took and what the answers cost.
func retrieval() *board {
	// A question that was written again has another row: the last one holds.
	const where = "FROM (SELECT * FROM rag_queries WHERE $__timeFilter(time) ORDER BY revision DESC LIMIT 1 BY id) AS u WHERE $__conditionalAll(u.project IN (${project:sqlstring}), $project) AND $__conditionalAll(u.pipeline IN (${pipeline:sqlstring}), $pipeline)"
	each := func(title, about, unit, expr string) panel {
		return chart(lines, title, about, unit, "${__field.labels.name}", maybe("SELECT $__timeInterval(u.time) AS t, u.pipeline AS name, "+expr+" AS value "+where+" GROUP BY t, name ORDER BY t"))
	}
	return &board{
		uid: "rag", title: "RAG", from: "now-7d",
		about: "What the RAG pipelines found, how long it took, and what the answers cost. The way of each chunk through the stages is in weir's console.",
		variables: []variable{byProject, {
			"pipeline", "Pipeline", "SELECT DISTINCT pipeline FROM rag_queries WHERE $__timeFilter(time) ORDER BY pipeline LIMIT 500", true,
		}},
		rows: []row{
			{"In this span of time", []panel{
				figure("Questions", "", "short", ask("SELECT count() AS questions "+where)),
				figure("Found nothing", "Questions for which no passage could be given to the model.", "percentunit", ask("SELECT countIf(u.empty) / nullIf(count(), 0) AS share "+where)).limits(0.05, 0.2),
				figure("Not in the sources", "Questions that the sources do not answer, as the answer says.", "percentunit", ask("SELECT countIf(u.not_in_sources) / nullIf(count(), 0) AS share "+where)).limits(0.1, 0.3),
				figure("Retrieval, p95", "Of all stages before the answer is written.", "ms", ask("SELECT quantile(0.95)(u.retrieval_ms) AS p95 "+where)),
				figure("Citations verified", "Those whose quote stands in the passage it names.", "percentunit", ask("SELECT sum(u.verified) / nullIf(sum(u.citations), 0) AS share "+where)),
				figure("An answer costs", "The mean of the answers with a known cost.", "currencyUSD", ask("SELECT avg(u.generation_cost) AS mean "+where)),
			}},
			{"The four figures of an experiment", []panel{
				each("context_relevance", "Means of the questions that were scored.", "short", "avg(u.context_relevance)"),
				each("response_quality", "Means of the questions that were scored.", "short", "avg(u.response_quality)"),
				each("retrieval_time, p95", "", "ms", "quantile(0.95)(u.retrieval_ms)"),
				each("generation_cost", "The mean of an answer.", "currencyUSD", "avg(u.generation_cost)"),
			}},
			{"Stages", []panel{
				chart(lines, "Time of each stage, p95", "", "ms", "${__field.labels.name}", maybe("SELECT $__timeInterval(u.time) AS t, stage.1 AS name, quantile(0.95)(stage.2) AS p95 FROM (SELECT time, arrayJoin(arrayZip(took_steps, took_ms)) AS stage, project, pipeline FROM (SELECT * FROM rag_queries WHERE $__timeFilter(time) ORDER BY revision DESC LIMIT 1 BY id)) AS u WHERE $__conditionalAll(u.project IN (${project:sqlstring}), $project) AND $__conditionalAll(u.pipeline IN (${pipeline:sqlstring}), $pipeline) GROUP BY t, name ORDER BY t")),
				chart(lines, "Passages out of each stage", "Means.", "short", "${__field.labels.name}", maybe("SELECT $__timeInterval(u.time) AS t, stage.1 AS name, avg(stage.2) AS passages FROM (SELECT time, arrayJoin(arrayZip(count_steps, counts)) AS stage, project, pipeline FROM (SELECT * FROM rag_queries WHERE $__timeFilter(time) ORDER BY revision DESC LIMIT 1 BY id)) AS u WHERE $__conditionalAll(u.project IN (${project:sqlstring}), $project) AND $__conditionalAll(u.pipeline IN (${pipeline:sqlstring}), $pipeline) GROUP BY t, name ORDER BY t")),
				each("Found nothing", "", "percentunit", "countIf(u.empty) / count()"),
				each("Tokens of sources in a prompt", "Means.", "short", "avg(u.context_tokens)"),
			}},
			{"Live", []panel{
				chart(stacked, "Questions by what became of them", "A second.", "ops", "", live("sum by (outcome) (rate(weir_rag_questions_total{pipeline=~\"$pipeline\"}[$__rate_interval])) ;; {{outcome}}")),
				chart(lines, "Time of each stage, p95 live", "", "s", "", live("histogram_quantile(0.95, sum by (stage, le) (rate(weir_rag_stage_duration_seconds_bucket{pipeline=~\"$pipeline\"}[$__rate_interval]))) ;; {{stage}}")),
				chart(lines, "Chunks that a stage did not let through", "A second.", "ops", "", live("sum by (stage) (rate(weir_rag_chunks_cut_total{pipeline=~\"$pipeline\"}[$__rate_interval])) ;; {{stage}}")),
				chart(lines, "Stages that were left out", "Skipped on purpose, or failed; a second.", "ops", "", live("sum by (stage, why) (rate(weir_rag_stages_left_total{pipeline=~\"$pipeline\"}[$__rate_interval])) ;; {{stage}} {{why}}")),
				chart(lines, "Citations", "A second, by whether the quote is in the cited passage.", "ops", "", live("sum by (verified) (rate(weir_rag_citations_total{pipeline=~\"$pipeline\"}[$__rate_interval])) ;; verified {{verified}}")),
				chart(lines, "Calls to embedding models", "A second, for questions and for documents.", "ops", "", live("sum by (for, status) (rate(weir_rag_embedding_batches_total{pipeline=~\"$pipeline\"}[$__rate_interval])) ;; {{for}} {{status}}")),
				chart(lines, "Texts made into vectors", "A second.", "ops", "", live("sum by (for) (rate(weir_rag_embedding_texts_total{pipeline=~\"$pipeline\"}[$__rate_interval])) ;; {{for}}")),
				chart(lines, "What the approximate search finds", "The share of the passages nearest by meaning, of the last questions that were searched exactly too.", "percentunit", "", live("min by (pipeline) (weir_rag_approximate_recall{pipeline=~\"$pipeline\"}) ;; {{pipeline}}")),
			}},
			{"Which", []panel{
				list("By pipeline and collection", "", maybe("SELECT u.pipeline AS pipeline, u.collection AS collection, count() AS questions, countIf(u.empty) / count() AS found_nothing, quantile(0.95)(u.retrieval_ms) AS p95, avg(u.generation_cost) AS cost "+where+" GROUP BY pipeline, collection ORDER BY questions DESC LIMIT 100"), over{column: "found_nothing", unit: "percentunit"}, over{column: "p95", unit: "ms"}, over{column: "cost", unit: "currencyUSD"}),
				list("Questions without an answer", "The newest fifty that found nothing or are not in the sources.", maybe("SELECT u.time AS time, u.pipeline AS pipeline, u.question AS question, u.top_score AS best "+where+" AND (u.empty OR u.not_in_sources) ORDER BY u.time DESC LIMIT 50")),
			}},
		},
	}
}
