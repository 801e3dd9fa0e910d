package prompts

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/weir-dev/weir/internal/rawjson"
	"github.com/weir-dev/weir/llm"
)

// ResolveConfig is what the stage that resolves prompts is made of.
type ResolveConfig struct {
	Registry *Registry
	// Routes are the prompts of calls that name none themselves, by the model that they ask for.
	Routes map[string]Ref
	// Arms decides about experiments. Nil: there are none.
	Arms Arms
	// Models are the patterns of models that a call's key is limited to; none: it may ask for any. Nil: no key is limited.
	Models func(call *llm.Call) []string
}

// Arms says which arm of an experiment a call falls to. It is asked once a call, on its path. Safe for concurrent use.
type Arms interface {
	// Choose is given the call as it came and the prompt that it asks for, a zero Ref for none. A zero Choice: the call is in
	// no experiment. The fault is for a call that asks for an arm that there is not.
	Choose(call *llm.Call, asked Ref) (Choice, *llm.Fault)
}

// Choice is an arm, and what it changes of the call. What is zero is left as the call has it.
type Choice struct {
	Experiment, Arm string
	Epoch           int // as in llm.Use
	Unit            string

	Prompt     Ref             // in place of the one that was asked for
	Model      string          // in place of the request's and the version's
	Parameters json.RawMessage // an object: each member goes in place of the request's
}

// Resolve puts prompts into calls: what a call names by its body's prompt, by X-Weir-Prompt or by its route becomes the
// messages, settings and tools of the version that the name stands for at this moment. Calls that name none pass as they
// are. The error is a *llm.Fault.
func Resolve(next llm.Sender, cfg ResolveConfig) llm.Sender {
	return llm.SenderFunc(func(ctx context.Context, call *llm.Call) (*llm.Response, error) {
		if call.Prompt == "" && len(cfg.Routes) == 0 && cfg.Arms == nil {
			return next.Send(ctx, call)
		}
		call, fault := cfg.resolve(ctx, call)
		if fault != nil {
			return nil, fault
		}
		return next.Send(ctx, call)
	})
}

// resolve gives the call as it goes on: itself when it has no prompt and no arm, else a changed copy.
func (cfg *ResolveConfig) resolve(ctx context.Context, call *llm.Call) (*llm.Call, *llm.Fault) {
	shape, takes := shapeOf(call.Endpoint)
	ref, fault := cfg.named(call, takes)
	if fault != nil {
		return nil, fault
	}
	req := request{shape: shape, endpoint: call.Endpoint, body: call.Body}
	if ref.Name != "" {
		req.read()
		if ref, fault = req.asked(ref); fault != nil {
			return nil, fault
		}
	}
	var choice Choice
	if cfg.Arms != nil && asksModel(call.Endpoint) {
		if choice, fault = cfg.Arms.Choose(call, ref); fault != nil {
			return nil, fault
		}
	}
	if ref.Name == "" && choice.Arm == "" {
		return call, nil
	}
	use := call.Use
	if use == nil {
		use = &llm.Use{}
	}
	if ref.Name == "" {
		req.read()
	} else if choice.Prompt.Name != "" {
		ref = choice.Prompt
	}
	use.Experiment, use.Arm, use.Epoch, use.Unit = choice.Experiment, choice.Arm, choice.Epoch, choice.Unit
	if choice.Experiment != "" {
		use.OwnText = req.ownText()
	}
	out := *call
	out.Use = use
	var made *recipe
	if ref.Name != "" {
		if made, fault = cfg.put(ctx, &req, ref, use); fault != nil {
			return nil, fault
		}
	}
	if fault := cfg.model(call, &out, &req, made, choice.Model); fault != nil {
		return nil, fault
	}
	for _, m := range membersOf(rawjson.Value(choice.Parameters)) {
		req.set(m.key, m.raw)
	}
	out.Body = req.sent()
	if made != nil {
		use.Request = req.recorded(made.stamp)
	}
	return &out, nil
}

// named finds the prompt that a call asks for; a zero Ref when it asks for none, or for one of the provider's own.
func (cfg *ResolveConfig) named(call *llm.Call, takes bool) (Ref, *llm.Fault) {
	switch {
	case call.Endpoint == llm.Models || call.Endpoint == llm.Passthrough:
		return Ref{}, nil
	case call.Prompt == "" && takes:
		return cfg.Routes[call.Model], nil
	case call.Prompt == "":
		return Ref{}, nil
	case !takes:
		return Ref{}, &llm.Fault{Code: llm.InvalidRequest, Param: "X-Weir-Prompt", Message: "a prompt makes messages, and " + string(call.Endpoint) + " takes none; send no X-Weir-Prompt here"}
	case call.UpstreamAuth != "":
		return Ref{}, &llm.Fault{Code: llm.Forbidden, Param: "prompt", Message: "prompts are for callers with a virtual key; this call brought a provider's own"}
	}
	ref, err := ParseRef(call.Prompt)
	if err != nil {
		return Ref{}, notFound(err)
	}
	if call.Endpoint == llm.Responses && strings.HasPrefix(ref.Name, openaiPrompt) && !cfg.Registry.has(ref.Name) {
		return Ref{}, modelMissing(call)
	}
	return ref, nil
}

// openaiPrompt begins the ids of the prompts that OpenAI itself keeps.
const openaiPrompt = "pmpt_"

func modelMissing(call *llm.Call) *llm.Fault {
	if strings.TrimSpace(call.Model) != "" {
		return nil
	}
	return &llm.Fault{Code: llm.InvalidRequest, Param: "model", Message: "the request names no model, and " + call.Prompt + " is no prompt of this weir that could name one"}
}

// put renders the prompt into the request.
func (cfg *ResolveConfig) put(ctx context.Context, req *request, ref Ref, use *llm.Use) (*recipe, *llm.Fault) {
	snapshot := cfg.Registry.ready(ctx)
	shelf, v, revision, err := snapshot.find(ref)
	if shelf != nil {
		use.Prompt = shelf.Name
	}
	if err != nil {
		return nil, notFound(err)
	}
	use.PromptVersion, use.PromptHash, use.PromptRevision = v.Number, v.Hash, revision
	made, err := snapshot.recipe(shelf, v)
	if err != nil {
		return nil, unusable(err)
	}
	turns, pins, err := made.rendered(json.RawMessage(req.variables))
	if err != nil {
		return nil, unusable(err)
	}
	req.pins = pins
	if fault := req.put(made, turns); fault != nil {
		return nil, fault
	}
	return made, nil
}

// model settles what is asked for, and whether the key may.
func (cfg *ResolveConfig) model(call, out *llm.Call, req *request, made *recipe, arm string) *llm.Fault {
	model := call.Model
	if strings.TrimSpace(model) == "" {
		model = ""
		if made != nil {
			model = made.Version.Model
		}
	}
	model = cmp.Or(arm, model)
	switch {
	case model == "" && made != nil:
		return &llm.Fault{Code: llm.InvalidRequest, Param: "model", Message: "neither the request nor the prompt " + made.stamp + " names a model"}
	case model == "":
		return &llm.Fault{Code: llm.InvalidRequest, Param: "model", Message: "the request names no model"}
	case model == call.Model:
		return nil
	}
	out.Model, out.Use.Model = model, model
	req.set("model", rawjson.Quote(model))
	if cfg.Models == nil {
		return nil
	}
	patterns := cfg.Models(call)
	for _, p := range patterns {
		if llm.Match(p, model) {
			return nil
		}
	}
	if len(patterns) == 0 {
		return nil
	}
	return &llm.Fault{Code: llm.Forbidden, Param: "model", Message: "key " + call.Key + " may not ask for the model " + model + ", which the prompt names; it is limited to " + strings.Join(patterns, ", ")}
}

// asksModel says that a call makes a model write, so that experiments may count it.
func asksModel(e llm.Endpoint) bool {
	switch e {
	case llm.ChatCompletions, llm.Completions, llm.Responses, llm.Messages:
		return true
	}
	return false
}

func (r *Registry) has(name string) bool {
	_, ok := r.Current().prompts[name]
	return ok
}

func notFound(err error) *llm.Fault {
	return &llm.Fault{Code: llm.PromptNotFound, Param: "prompt", Message: err.Error(), Err: err}
}

// unusable is what a client is told whose variables do not fit, or whose prompt cannot be put together.
func unusable(err error) *llm.Fault {
	for _, missing := range []error{ErrNoPrompt, ErrNoLabel, ErrNoVersion, ErrDeleted} { // a partial
		if errors.Is(err, missing) {
			return notFound(err)
		}
	}
	fault := &llm.Fault{Code: llm.PromptInvalid, Param: "prompt", Message: err.Error(), Err: err}
	if e, ok := errors.AsType[*VariableError](err); ok {
		fault.Param = strings.TrimSuffix("prompt.variables."+e.Variable, ".")
	}
	return fault
}
