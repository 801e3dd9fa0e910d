package grafana

// ingest is whether what happens is recorded.
func ingest() *board {
	return &board{
		uid: "ingest", title: "Ingest health", from: "now-6h",
		about: "Whether what happens is recorded: accepted = written + waiting + quarantined + dropped, at every moment.",
		rows: []row{
			{"Now", []panel{
				{shape: number, title: "Replicas up", width: 4, height: 4, unit: "short", queries: []Query{live("count(weir_build_info)")}, none: "no weir is scraped"},
				{shape: number, title: "Calls a second", width: 4, height: 4, unit: "ops", queries: []Query{live("sum(rate(weir_calls_total[5m]))")}},
				{shape: number, title: "Waiting", about: "Records accepted and not yet in ClickHouse.", width: 4, height: 4, unit: "short", queries: []Query{live("sum(weir_spool_waiting_records)")}, warn: 20_000, alarm: 200_000},
				{shape: number, title: "The oldest waits", width: 4, height: 4, unit: "s", queries: []Query{live("max(weir_spool_oldest_waiting_seconds)")}, warn: 30, alarm: 300},
				{shape: number, title: "In quarantine", about: "Records that ClickHouse refuses: weir spool quarantine.", width: 4, height: 4, unit: "short", queries: []Query{live("sum(weir_spool_quarantined_records)")}, warn: 1, alarm: 100},
				{shape: number, title: "Dropped", about: "Records lost because the disk was full.", width: 4, height: 4, unit: "short", queries: []Query{live("sum(weir_spool_records_total{state=\"dropped\"})")}, warn: 1, alarm: 1},
			}},
			{"Over time", []panel{
				chart(lines, "Records a second", "", "ops", "", live("sum by (state) (rate(weir_spool_records_total[$__rate_interval])) ;; {{state}}")),
				chart(lines, "Waiting", "", "short", "", live("sum by (instance) (weir_spool_waiting_records) ;; {{instance}}")),
				chart(lines, "The oldest waits", "", "s", "", live("max by (instance) (weir_spool_oldest_waiting_seconds) ;; {{instance}}")).limits(30, 300),
				chart(lines, "The spool's files", "", "bytes", "", live("sum by (instance) (weir_spool_bytes) ;; {{instance}}"), live("max(weir_spool_max_bytes) ;; bound")),
				chart(lines, "What is wrong", "1 while it is.", "short", "", live("max by (kind) (weir_spool_failure) ;; {{kind}}")),
				chart(lines, "Calls under way", "", "short", "", live("sum by (instance) (weir_spool_under_way_calls) ;; {{instance}}")),
			}},
			{"ClickHouse", []panel{
				chart(stacked, "Rows written", "By the minute they were written in.", "short", "", maybe("SELECT $__timeInterval(u.inserted_at) AS t, count() AS spans FROM calls AS u WHERE inserted_at >= $__fromTime AND inserted_at <= $__toTime GROUP BY t ORDER BY t")),
				list("Tables", "What they take on the disk.", ask("SELECT table, sum(rows) AS rows, sum(bytes_on_disk) AS bytes, count() AS parts, max(modification_time) AS last_change FROM system.parts WHERE active AND database = currentDatabase() GROUP BY table ORDER BY bytes DESC LIMIT 100"), over{column: "bytes", unit: "bytes"}),
			}},
		},
	}
}
