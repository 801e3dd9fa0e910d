package eval

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/weir-dev/weir/internal/expression"
)

func ownMetrics() []metric {
	return []metric{
		{name: "expression", about: "what an expression makes of input, expected, answer, context, json, latency_ms, cost_usd and output_tokens: true or false, or a number", make: ownExpression},
		{name: "process", about: "what a program of your own answers, a JSON line to each", make: ownProcess},
	}
}

// expressionNames are what an expression may name.
func expressionNames(s Sample) map[string]any {
	out := map[string]any{
		"input": Text(s.Item.Input), "expected": Text(s.Item.Expected), "context": Text(s.Item.Context), "answer": s.Answer.Text,
		"latency_ms": s.Answer.LatencyMS, "cost_usd": 0.0, "output_tokens": float64(s.Answer.OutputTokens), "json": map[string]any{},
	}
	if s.Answer.Cost != nil {
		out["cost_usd"] = s.Answer.Cost.Float64()
	}
	var object map[string]any
	if json.Unmarshal([]byte(s.Answer.Text), &object) == nil && object != nil {
		out["json"] = object
	}
	return out
}

func ownExpression(c ScorerConfig) (Scorer, error) {
	if c.Expression == "" {
		return nil, errors.New("there is no expression")
	}
	program, err := expression.Compile(c.Expression, expressionNames(Sample{&Item{}, &Answer{}}))
	if err != nil {
		return nil, err
	}
	return ScorerFunc(func(s Sample) Score {
		v, err := program.Run(expressionNames(s))
		if err != nil {
			return unscorable(clip(err.Error()))
		}
		switch v := v.(type) {
		case bool:
			out := yes(v)
			if c.Pass == nil {
				out.Passed = &v
			}
			return out
		case int:
			return scored(float64(v))
		case float64:
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return unscorable("the expression gives no finite number")
			}
			return scored(v)
		}
		return unscorable(fmt.Sprintf("the expression gives %T, not true, false or a number", v))
	}), nil
}
