package upstream

import (
	"slices"
	"strconv"

	"github.com/weir-dev/weir/internal/rawjson"
	"github.com/weir-dev/weir/llm"
)

// limits writes max_tokens, stop_sequences and how much is to be thought.
func (a *anthropicRequest) limits(call *llm.Call) *llm.Fault {
	limit, fault := a.takeLimit()
	if fault != nil {
		return fault
	}
	named := limit > 0
	if !named {
		limit = a.model.defaultMax(len(call.Body))
	}
	a.out.int("max_tokens", limit)
	stop, fault := a.takeStop()
	if fault != nil {
		return fault
	}
	if len(stop) > 0 {
		a.out.list("stop_sequences", stop)
	}
	effort, fault := a.takeText("reasoning_effort")
	if fault != nil {
		return fault
	}
	if own := a.take("thinking"); own != nil { // an extension: Anthropic's own member
		a.out.raw("thinking", own)
		if thinks := !own.Get("type").Is("disabled"); thinks {
			a.restrict()
		}
		return nil
	}
	if effort == "" || effort == "none" {
		return nil
	}
	return a.think(effort, limit)
}

// think asks for an effort, where the model, the bound and the state of the conversation let it.
func (a *anthropicRequest) think(effort string, limit int64) *llm.Fault {
	budget, ok := budgetFor(effort)
	if !ok {
		return badParam("reasoning_effort", "want none, minimal, low, medium, high or xhigh")
	}
	budget = min(budget, limit-leastBudget) // what is thought counts against the bound, and an answer must fit too
	how := a.model.thinking()
	switch {
	case how == noThinking, a.forced, // a call that is forced leaves nothing to think about, says the API
		how == budgeted && budget < leastBudget,
		how == budgeted && a.resumesWithoutThoughts():
		a.drop("reasoning_effort")
		return nil
	case how == adaptive:
		a.out.raw("thinking", typed("adaptive").done())
		a.config.str("effort", a.model.effortFor(effort))
	default:
		o := typed("enabled")
		o.int("budget_tokens", budget)
		a.out.raw("thinking", o.done())
	}
	a.restrict()
	return nil
}

// resumesWithoutThoughts: the conversation is in the middle of a tool loop whose thoughts the client did not keep. The
// API would refuse to think on.
func (a *anthropicRequest) resumesWithoutThoughts() bool {
	for _, m := range slices.Backward(a.messages) {
		switch m.role {
		case "assistant":
			return len(m.calls) > 0 && m.raw.Get("thinking_blocks").Empty()
		case "user":
			return false
		}
	}
	return false
}

// restrict leaves out the sampling that cannot go together with thinking.
func (a *anthropicRequest) restrict() {
	if t := a.fields["temperature"]; t != nil && !isNumber(1)(t) {
		a.take("temperature")
		a.drop("temperature")
	}
	if p := a.fields["top_p"]; p != nil && number(p) < 0.95 {
		a.take("top_p")
		a.drop("top_p")
	}
	if a.take("top_k") != nil {
		a.drop("top_k")
	}
}

// sampling writes the members that say something: newer models refuse temperature and top_p together, though one of
// them may be at its default.
func (a *anthropicRequest) sampling(*llm.Call) *llm.Fault {
	temperature, fault := a.takeNumber("temperature")
	if fault != nil {
		return fault
	}
	topP, fault := a.takeNumber("top_p")
	if fault != nil {
		return fault
	}
	if temperature != nil && number(temperature) > 1 {
		return a.refuse("temperature", "its temperatures go from 0 to 1")
	}
	if topP != nil && number(topP) == 1 {
		topP = nil
	}
	if topP != nil && temperature != nil && number(temperature) == 1 {
		temperature = nil
	}
	a.out.raw("temperature", temperature)
	a.out.raw("top_p", topP)
	topK, fault := a.takeNumber("top_k")
	a.out.raw("top_k", topK)
	return fault
}

// number is a JSON number for comparison, not for arithmetic.
func number(v rawjson.Value) float64 {
	f, err := strconv.ParseFloat(string(v), 64)
	if err != nil {
		return 0
	}
	return f
}
