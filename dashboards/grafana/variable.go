package grafana

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// variable is a drop-down list of a board: All, or some of what a query gives.
type variable struct {
	name, label, sql string
	mayBeEmpty       bool
}

func (v *variable) build() cog.Builder[dashboard.VariableModel] {
	return dashboard.NewQueryVariableBuilder(v.name).Label(v.label).Datasource(clickhouseSource).Query(dashboard.StringOrMap{String: &v.sql}).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).Sort(dashboard.VariableSortAlphabeticalAsc).Multi(true).IncludeAll(true).
		Current(dashboard.VariableOption{
			Text:  dashboard.StringOrArrayOfString{ArrayOfString: []string{"All"}},
			Value: dashboard.StringOrArrayOfString{ArrayOfString: []string{"$__all"}},
		})
}

// The variables, each with the column's name.
var (
	byProject = variable{"project", "Project", "SELECT DISTINCT project FROM usage_1d WHERE time >= toStartOfDay($__fromTime) AND time <= $__toTime ORDER BY project LIMIT 500", false}
	byModel   = variable{"model", "Model", "SELECT DISTINCT model FROM usage_1d WHERE time >= toStartOfDay($__fromTime) AND time <= $__toTime ORDER BY model LIMIT 500", false}
	byKey     = variable{"key", "Key", "SELECT DISTINCT key FROM usage_1d WHERE time >= toStartOfDay($__fromTime) AND time <= $__toTime ORDER BY key LIMIT 500", false}
	byPrompt  = variable{"prompt", "Prompt", "SELECT DISTINCT prompt FROM usage_1d WHERE time >= toStartOfDay($__fromTime) AND time <= $__toTime ORDER BY prompt LIMIT 500", false}
	byUser    = variable{"user", "User", "SELECT user FROM usage_user_1d AS u WHERE u.time >= toStartOfDay($__fromTime) AND u.time <= $__toTime GROUP BY user ORDER BY sum(u.cost) DESC LIMIT 500", false}
	// Tags are not in the usage tables: what it chooses is read from the calls of the last day at most.
	byEnvironment = variable{"environment", "Environment (tag env)", "SELECT DISTINCT tag_values[indexOf(tag_names, 'env')] AS env FROM calls WHERE start_time >= greatest($__fromTime, $__toTime - INTERVAL 1 DAY) AND start_time <= $__toTime AND has(tag_names, 'env') ORDER BY env LIMIT 100", true}
)

// mark is an annotation: what happened, at the times it happened. It asks ClickHouse, or Prometheus for series whose value
// is the moment in milliseconds; title is then made of their labels.
type mark struct {
	name, colour, sql  string
	expr, title, label string
	off                bool // until somebody switches it on
}

// liveMark is an annotation with what Prometheus' data source wants beside the foundation's fields.
type liveMark struct {
	dashboard.AnnotationQuery

	TitleFormat     string `json:"titleFormat"`
	TagKeys         string `json:"tagKeys"`
	Step            string `json:"step"`
	UseValueForTime bool   `json:"useValueForTime"`
}

func (m *mark) build() (any, error) {
	b := dashboard.NewAnnotationQueryBuilder().Name(m.name).Enable(!m.off).IconColor(m.colour)
	if m.expr != "" {
		made, err := b.Datasource(prometheusSource).Target(built[variants.Dataquery]{variants.UnknownDataquery{
			"refId": "Anno", "datasource": prometheusSource, "expr": m.expr, "interval": "1m",
		}}).Build()
		return liveMark{made, m.title, m.label, "1m", true}, err
	}
	return b.Datasource(clickhouseSource).Target(built[variants.Dataquery]{variants.UnknownDataquery{
		"refId": "Anno", "datasource": clickhouseSource, "editorType": "sql", "queryType": "table", "format": 1, "rawSql": m.sql, "pluginVersion": "4.20.0",
	}}).Build()
}

// query is what the mark asks.
func (m *mark) query() Query {
	if m.expr != "" {
		return live(m.expr + " ;; " + m.title)
	}
	return Query{SQL: m.sql, Empty: true}
}

// The marks. What was decided is known to the moment by weir's own metrics, from when Prometheus reads them on. What came of
// it is read off the calls: the first of a version, and of a model with another price than before.
var (
	promptMoves = mark{name: "Prompt moves", colour: "purple", expr: "max by (prompt, label, version) (weir_prompt_moved_timestamp_seconds) * 1000", title: "{{prompt}}@{{label}} is version {{version}}", label: "prompt"}
	experiments = mark{name: "Experiments", colour: "orange", expr: "max by (experiment, turn, winner) (weir_experiment_turned_timestamp_seconds) * 1000", title: "experiment {{experiment}} {{turn}} {{winner}}", label: "experiment"}
	versions    = mark{name: "First calls of versions", colour: "purple", off: true, sql: "SELECT min(u.time) AS time, concat(prompt, '@', toString(prompt_version), ' takes its first call') AS text, 'prompt' AS tags FROM usage_1h AS u WHERE prompt != '' AND u.time >= toStartOfDay($__fromTime) - INTERVAL 35 DAY AND u.time <= $__toTime GROUP BY prompt, prompt_version HAVING min(u.time) >= $__fromTime ORDER BY time LIMIT 200"}
	prices      = mark{name: "Prices", colour: "green", sql: words.Replace("SELECT first AS time, concat(model, ' is priced by ', price_version, ', before by ', before) AS text, 'prices' AS tags FROM (SELECT model, price_version, first, lagInFrame(price_version, 1, '') OVER (PARTITION BY provider, model ORDER BY first ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS before FROM (SELECT provider, model, toString(price_version) AS price_version, min(u.start_time) AS first FROM calls AS u WHERE u.start_time >= $__fromTime AND u.start_time <= $__toTime AND {sample} AND kind = 'call' AND u.price_version != '' GROUP BY provider, model, price_version)) WHERE before != '' ORDER BY time LIMIT 50")}
)
