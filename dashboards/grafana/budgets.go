package grafana

// budgets is what is left, and where the month is going.
func budgets() *board {
	this := "FROM " + spent(month, "$__toTime") + " WHERE {filter}"
	last := "FROM " + spent(monthBefore, month+" - INTERVAL 1 SECOND") + " WHERE {filter}"
	return &board{
		uid: "budgets", title: "Budgets & forecast", from: "now-30d",
		about:     "What is left of each budget now, what was refused, and where the month is going. weir's own forecast, with its interval, is in its console and weir costs forecast.",
		variables: []variable{byProject, byModel, byUser, byPrompt, byKey},
		marks:     []mark{prices},
		rows: []row{
			{"This month", []panel{
				figure("Spent this month", "Since the month's first day, UTC.", "currencyUSD", ask("SELECT sum(u.cost) AS spent "+this)),
				figure("At this month's rate", "What the month will have cost if each hour to come costs what its hours so far did.", "currencyUSD", ask("SELECT sum(u.cost) * dateDiff('hour', "+month+", addMonths("+month+", 1)) / greatest(1, dateDiff('hour', "+month+", $__toTime)) AS spent "+this)),
				figure("Last month", "", "currencyUSD", ask("SELECT sum(u.cost) AS spent "+last)),
				figure("Last 24 hours", "", "currencyUSD", ask("SELECT sum(u.cost) AS spent FROM "+spent("$__toTime - INTERVAL 24 HOUR", "$__toTime")+" WHERE {filter}")),
				{shape: number, title: "Furthest budget", about: "The budget that is spent the furthest.", width: 4, height: 4, unit: "percentunit", queries: []Query{live("max(weir_budget_used_ratio)")}, warn: 0.8, alarm: 1, none: "no budget is set"},
				{shape: number, title: "Refused, last hour", about: "Calls that a budget refused.", width: 4, height: 4, unit: "short", queries: []Query{live("sum(increase(weir_budget_refusals_total[1h]))")}, warn: 1, alarm: 100, none: "none"},
			}},
			{"Budgets now", []panel{
				chart(lines, "Used, by budget", "A share of the limit.", "percentunit", "", live("max by (budget) (weir_budget_used_ratio) ;; {{budget}}")).limits(0.8, 1),
				chart(lines, "Left, by budget", "Less what is held for calls under way.", "currencyUSD", "", live("min by (budget) (weir_budget_remaining_usd) ;; {{budget}}")),
				chart(lines, "Refused by a budget", "A second.", "ops", "", live("sum by (budget) (rate(weir_budget_refusals_total[$__rate_interval])) ;; {{budget}}")),
				chart(lines, "Refused by a limit", "A second.", "ops", "", live("sum by (rule, kind) (rate(weir_limit_refusals_total[$__rate_interval])) ;; {{rule}} {{kind}}")),
			}},
			{"Where the month is going", []panel{
				chart(lines, "Spent since the month's first day", "This month, and the month before moved onto it.", "currencyUSD", "${__field.labels.name}",
					ask("SELECT day, name, sum(cost) OVER (PARTITION BY name ORDER BY day) AS spent FROM (SELECT toStartOfDay(u.time) AS day, 'this month' AS name, sum(u.cost) AS cost "+this+" GROUP BY day UNION ALL SELECT toStartOfDay(addMonths(u.time, 1)) AS day, 'last month' AS name, sum(u.cost) AS cost "+last+" GROUP BY day) ORDER BY day")).wide(),
				list("Who spends this month", "Compared with the same days of last month.", ask("SELECT project, sum(u.now) AS this_month, sum(u.then) AS last_month, this_month - last_month AS more FROM (SELECT project, cost AS now, toDecimal128(0, 9) AS then "+this+" UNION ALL SELECT project, toDecimal128(0, 9) AS now, cost AS then FROM "+spent(monthBefore, "addMonths($__toTime, -1)")+" WHERE {filter}) AS u GROUP BY project ORDER BY this_month DESC LIMIT 100"),
					over{column: "this_month", unit: "currencyUSD"}, over{column: "last_month", unit: "currencyUSD"}, over{column: "more", unit: "currencyUSD"}),
				list("Refused calls", "By what the record says of them.", maybe("SELECT project, key, status, sum(u.calls) AS calls FROM usage_1h AS u WHERE $__timeFilter(u.time) AND status IN ('budget', 'rate_limited', 'cut') AND {filter} GROUP BY project, key, status ORDER BY calls DESC LIMIT 100")),
			}},
		},
	}
}
