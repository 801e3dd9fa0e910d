package main

import "github.com/weir-dev/weir/llm"

// A preset is what is known of a provider or server: where it is, what it takes and how it counts.
type preset struct {
	baseURL string
	env     string // variable of its key; "" for servers that need none
	priceAs string // its name in the price book
	models  []string
	quirks  llm.Quirks
	// streamOptions: the server knows stream_options.include_usage. refused: it answers them with an error.
	// Neither: it is tried, and what it says is remembered.
	streamOptions, refused bool
}

// kinds are the dialects weir speaks, each with the provider it is named for. Kind compatible takes a preset.
var kinds = map[string]preset{
	"anthropic": {baseURL: "https://api.anthropic.com/v1", env: "ANTHROPIC_API_KEY", priceAs: "anthropic", models: []string{"claude-*"}},
	"gemini": {
		baseURL: "https://generativelanguage.googleapis.com/v1beta", env: "GEMINI_API_KEY", priceAs: "gemini",
		models: []string{"gemini-*", "gemma-*", "text-embedding-004"},
	},
	"azure": {env: "AZURE_OPENAI_API_KEY", priceAs: "azure", streamOptions: true}, // its models are the names of deployments
	"openai": {
		baseURL: "https://api.openai.com/v1", env: "OPENAI_API_KEY", priceAs: "openai", streamOptions: true,
		models: []string{
			"gpt-*", "o1*", "o3*", "o4*", "chatgpt-*", "codex-*", "computer-use-*", "text-embedding-*", "omni-moderation-*", "text-moderation-*",
			"davinci-002", "babbage-002", "ft:*", "dall-e-*", "whisper-*", "tts-*", "sora-*",
		},
	},
}

// presets of kind compatible, by name.
var presets = map[string]preset{
	"gemini": {
		baseURL: "https://generativelanguage.googleapis.com/v1beta/openai", priceAs: "gemini", streamOptions: true,
		quirks: llm.Quirks{TotalHoldsReasoning: true}, models: []string{"gemini-*", "gemma-*"},
	},
	"mistral": {
		baseURL: "https://api.mistral.ai/v1", env: "MISTRAL_API_KEY", priceAs: "mistral", refused: true,
		models: []string{"mistral-*", "ministral-*", "codestral-*", "devstral-*", "magistral-*", "pixtral-*", "open-mistral-*", "open-mixtral-*"},
	},
	"deepseek": {
		baseURL: "https://api.deepseek.com/v1", env: "DEEPSEEK_API_KEY", priceAs: "deepseek", streamOptions: true,
		models: []string{"deepseek-*"},
	},
	"groq":       {baseURL: "https://api.groq.com/openai/v1", env: "GROQ_API_KEY", priceAs: "groq", streamOptions: true},
	"xai":        {baseURL: "https://api.x.ai/v1", env: "XAI_API_KEY", priceAs: "xai", streamOptions: true, quirks: llm.Quirks{ReasoningApart: true}, models: []string{"grok-*"}},
	"openrouter": {baseURL: "https://openrouter.ai/api/v1", env: "OPENROUTER_API_KEY", priceAs: "openrouter", streamOptions: true},
	"together":   {baseURL: "https://api.together.xyz/v1", env: "TOGETHER_API_KEY", priceAs: "together", streamOptions: true},
	"fireworks":  {baseURL: "https://api.fireworks.ai/inference/v1", env: "FIREWORKS_API_KEY", priceAs: "fireworks", streamOptions: true},
	"perplexity": {baseURL: "https://api.perplexity.ai", env: "PERPLEXITY_API_KEY", priceAs: "perplexity", refused: true, models: []string{"sonar*"}},
	"cohere":     {baseURL: "https://api.cohere.ai/compatibility/v1", env: "COHERE_API_KEY", priceAs: "cohere", streamOptions: true, models: []string{"command-*", "embed-*"}},
	"vllm":       {baseURL: "http://127.0.0.1:8000/v1", streamOptions: true},
	"ollama":     {baseURL: "http://127.0.0.1:11434/v1", streamOptions: true},
	"simulated":  {priceAs: "simulated", streamOptions: true},
}
