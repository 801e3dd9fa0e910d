package otelout

// Attribute names of OpenTelemetry's GenAI conventions, in both generations where they differ. The conventions left
// the main repository and are still in development, so the names are kept here rather than taken from a package.
const (
	operationName = "gen_ai.operation.name"
	providerName  = "gen_ai.provider.name"
	system        = "gen_ai.system" // before providerName
	requestModel  = "gen_ai.request.model"
	requestStream = "gen_ai.request.stream"
	responseModel = "gen_ai.response.model"
	responseID    = "gen_ai.response.id"
	finishReasons = "gen_ai.response.finish_reasons"
	firstChunk    = "gen_ai.response.time_to_first_chunk" // seconds
	serviceTier   = "openai.response.service_tier"

	inputTokens        = "gen_ai.usage.input_tokens"  // cached tokens included
	outputTokens       = "gen_ai.usage.output_tokens" // reasoning included
	cacheReadTokens    = "gen_ai.usage.cache_read.input_tokens"
	cacheWriteTokens   = "gen_ai.usage.cache_write.input_tokens"
	cacheCreateTokens  = "gen_ai.usage.cache_creation.input_tokens" // before cacheWriteTokens
	reasoningTokens    = "gen_ai.usage.reasoning.output_tokens"
	audioInputTokens   = "gen_ai.usage.audio.input_tokens"
	audioOutputTokens  = "gen_ai.usage.audio.output_tokens"
	usageCost          = "gen_ai.usage.cost" // de facto; OpenTelemetry has no cost attribute
	conversationID     = "gen_ai.conversation.id"
	promptName         = "gen_ai.prompt.name"
	promptVersion      = "gen_ai.prompt.version"
	errorType          = "error.type"
	userID             = "user.id"
	sessionID          = "session.id"
	weirCallID         = "weir.call.id"
	weirProject        = "weir.project"
	weirKey            = "weir.key"
	weirProvider       = "weir.provider"
	weirCostUSD        = "weir.cost.usd" // exact decimal
	weirPriceStatus    = "weir.price.status"
	weirUsageSource    = "weir.usage.source"
	weirCache          = "weir.cache"
	weirCacheNeighbor  = "weir.cache.neighbor"
	weirCacheScore     = "weir.cache.score"
	weirAttempts       = "weir.attempts"
	weirStatus         = "weir.status"
	weirTagPrefix      = "weir.tag."
	responseStatusCode = "http.response.status_code"
)

// operations maps endpoints to gen_ai.operation.name. Others go by their own name.
var operations = map[string]string{
	"chat.completions": "chat",
	"responses":        "chat",
	"messages":         "chat",
	"completions":      "text_completion",
	"embeddings":       "embeddings",
}
