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

// mark is an annotation: what happened, at the times it happened.
type mark struct {
	name, colour, sql string
}

func (m *mark) build() cog.Builder[dashboard.AnnotationQuery] {
	return dashboard.NewAnnotationQueryBuilder().Name(m.name).Datasource(clickhouseSource).Enable(true).IconColor(m.colour).
		Target(built[variants.Dataquery]{variants.UnknownDataquery{
			"refId": "Anno", "datasource": clickhouseSource, "editorType": "sql", "queryType": "table", "format": 1, "rawSql": m.sql, "pluginVersion": "4.20.0",
		}})
}

// The marks. They are read off the calls themselves: a version, an arm or a price book is marked where its first call is.
var (
	promptMoves = mark{"Prompts", "purple", "SELECT min(u.time) AS time, concat(prompt, '@', toString(prompt_version), ' takes its first call') AS text, 'prompt' AS tags FROM usage_1h AS u WHERE prompt != '' AND u.time >= toStartOfDay($__fromTime) - INTERVAL 35 DAY AND u.time <= $__toTime GROUP BY prompt, prompt_version HAVING min(u.time) >= $__fromTime ORDER BY time LIMIT 200"}
	experiments = mark{"Experiments", "orange", "SELECT time, text, 'experiment' AS tags FROM (SELECT min(u.time) AS time, concat('experiment ', experiment, ' takes its first call') AS text FROM usage_1h AS u WHERE experiment != '' AND u.time >= toStartOfDay($__fromTime) - INTERVAL 35 DAY AND u.time <= $__toTime GROUP BY experiment HAVING min(u.time) >= $__fromTime UNION ALL SELECT max(u.time) AS time, concat('experiment ', experiment, ' takes its last call') AS text FROM usage_1h AS u WHERE experiment != '' AND u.time >= toStartOfDay($__fromTime) - INTERVAL 35 DAY AND u.time <= $__toTime GROUP BY experiment HAVING max(u.time) < $__toTime - INTERVAL 1 DAY AND max(u.time) >= $__fromTime) ORDER BY time LIMIT 200"}
	priceBooks  = mark{"Prices", "green", "SELECT min(u.start_time) AS time, concat('price book ', price_version, ' is in force') AS text, 'prices' AS tags FROM calls AS u WHERE price_version != '' AND start_time >= $__fromTime AND start_time <= $__toTime GROUP BY price_version HAVING time > $__fromTime + INTERVAL 1 HOUR ORDER BY time LIMIT 50"}
)
