package main

import (
	"time"

	"github.com/weir-dev/weir/account"
)

// Config is weir.yaml. Values come from flags, then the environment, then the file, then defaultConfig.
type Config struct {
	Listen      string           `yaml:"listen"`       // address of everything, or of /v1 alone beside listen_admin
	ListenAdmin string           `yaml:"listen_admin"` // address of everything but /v1; empty: the same as listen
	Data        string           `yaml:"data"`         // directory of the embedded engine, SQLite, the spool and the admin token
	ClickHouse  StoreConfig      `yaml:"clickhouse"`
	Control     StoreConfig      `yaml:"control"`
	Redis       RedisConfig      `yaml:"redis"`
	Qdrant      QdrantConfig     `yaml:"qdrant"`
	Record      RecordConfig     `yaml:"record"`
	Spool       SpoolConfig      `yaml:"spool"`
	Cache       CacheConfig      `yaml:"cache"`
	Providers   []ProviderConfig `yaml:"providers"`
	Routes      []RouteConfig    `yaml:"routes"`
	Projects    []ProjectConfig  `yaml:"projects"`
	Limits      []LimitConfig    `yaml:"limits"`      // how many calls may come and run
	RAG         []RAGConfig      `yaml:"rag"`         // pipelines that answer from documents
	Prices      []PriceConfig    `yaml:"prices"`      // prices of your own, over the built-in book
	Alerts      AlertsConfig     `yaml:"alerts"`      // what is looked at, and who is told
	Reports     ReportsConfig    `yaml:"reports"`     // which reports are sent
	Budgets     BudgetsConfig    `yaml:"budgets"`     // whom to tell of them; budgets themselves are made by the API
	Unpriced    string           `yaml:"unpriced"`    // what to do about a model without a price: reject, default, allow
	Default     *PriceConfig     `yaml:"default"`     // the price that unpriced: default takes
	Passthrough bool             `yaml:"passthrough"` // a client may bring its own provider key
	MaxBody     int64            `yaml:"max_body"`    // bytes of a request body
	Timeouts    TimeoutConfig    `yaml:"timeouts"`
}

// StoreConfig names a server. Empty: the embedded default.
type StoreConfig struct {
	URL secretText `yaml:"url"`
}

// RecordConfig says how much of a call is kept.
type RecordConfig struct {
	Content    string `yaml:"content"`     // full, redacted, hash, none
	MaxCapture int    `yaml:"max_capture"` // bytes kept of a request, and of an answer
}

// SpoolConfig is the write-ahead log in front of ClickHouse. Zero fields take the spool's defaults.
type SpoolConfig struct {
	MaxAge     time.Duration `yaml:"max_age"`      // how long a record waits for company before it is sent
	MaxRows    int           `yaml:"max_rows"`     // rows of a batch
	MaxDisk    int64         `yaml:"max_disk"`     // bytes on the disk; near it bodies are left out, at it records
	Fsync      string        `yaml:"fsync"`        // always, interval, never: what a power cut may cost
	FsyncEvery time.Duration `yaml:"fsync_every"`  // the interval
	MaxWait    time.Duration `yaml:"max_wait"`     // how long a record may take before the disk counts as slow
	OnSlowDisk string        `yaml:"on_slow_disk"` // wait, answer
	OnFull     string        `yaml:"on_full"`      // drop, refuse
}

// CacheConfig is the response cache. Zero fields take the cache's defaults.
type CacheConfig struct {
	Exact    string        `yaml:"exact"`     // auto, on, off: which calls it is asked for when their client says nothing
	MaxBytes int64         `yaml:"max_bytes"` // of all answers in it
	TTL      time.Duration `yaml:"ttl"`       // how long an answer is kept
	Semantic SemanticCache `yaml:"semantic"`  // answers of questions that mean the same
}

// SemanticCache is how questions are compared by their meaning. Without a model they are not.
type SemanticCache struct {
	Model      string        `yaml:"model"`       // makes vectors of questions, as a client would ask for it
	Dimensions int           `yaml:"dimensions"`  // of a vector; 0: as many as the model gives
	Threshold  float64       `yaml:"threshold"`   // for all calls: from which similarity on; 0: those whose route, project or client says so
	Floor      float64       `yaml:"floor"`       // a client cannot ask for less
	Timeout    time.Duration `yaml:"timeout"`     // of what is asked before a call goes on as a miss
	MaxVectors int           `yaml:"max_vectors"` // questions that are kept
	Audit      CacheAudit    `yaml:"audit"`
}

// CacheAudit has a model look at a share of the answers to like questions.
type CacheAudit struct {
	Share float64 `yaml:"share"` // from 0 to 1
	Model string  `yaml:"model"`
}

// CacheRule says otherwise for one project or route.
type CacheRule struct {
	Exact    string        `yaml:"exact"`
	TTL      time.Duration `yaml:"ttl"`
	Semantic *float64      `yaml:"semantic"` // from which similarity on a like question's answer counts; 0: none does

	position
}

// ProviderConfig is one provider.
type ProviderConfig struct {
	Name         string         `yaml:"name"`
	Kind         string         `yaml:"kind"`     // openai, anthropic, gemini, azure, compatible
	Preset       string         `yaml:"preset"`   // of kind compatible: a known server's habits
	BaseURL      string         `yaml:"base_url"` // with the version
	APIKey       secretText     `yaml:"api_key"`
	APIVersion   string         `yaml:"api_version"`   // of kind azure
	Models       []string       `yaml:"models"`        // patterns of the models it takes
	PriceAs      string         `yaml:"price_as"`      // its name in the price book; empty: by kind and preset
	AllowPrivate bool           `yaml:"allow_private"` // its host name may resolve to a private address
	Timeouts     *TimeoutConfig `yaml:"timeouts"`

	position
}

// RouteConfig is a name clients may ask for.
type RouteConfig struct {
	Model     string         `yaml:"model"`
	Targets   []TargetConfig `yaml:"targets"`
	Fallback  []TargetConfig `yaml:"fallback"`
	Balance   string         `yaml:"balance"` // weight, the default, or latency: the fastest target first
	Retry     RetryConfig    `yaml:"retry"`   // of each target
	FirstByte time.Duration  `yaml:"first_byte"`
	Prompt    string         `yaml:"prompt"` // name@label: of calls that name no prompt themselves
	Cache     *CacheRule     `yaml:"cache"`  // goes before the project's

	position
}

// RetryConfig says how often one target is tried.
type RetryConfig struct {
	Attempts int           `yaml:"attempts"` // 1 when it is not said: clients retry by themselves
	Wait     time.Duration `yaml:"wait"`     // before the second try, doubled each time, with jitter
	MaxWait  time.Duration `yaml:"max_wait"` // a provider that asks for more is not tried again
}

// TargetConfig is one provider's model.
type TargetConfig struct {
	Provider string `yaml:"provider"`
	Model    string `yaml:"model"`
	Weight   *int   `yaml:"weight"` // 1 when it is not said

	position
}

// ProjectConfig overrides for one project.
type ProjectConfig struct {
	Name     string        `yaml:"name"`
	Provider string        `yaml:"provider"` // answers endpoints that weir does not model
	Record   *RecordConfig `yaml:"record"`
	Cache    *CacheRule    `yaml:"cache"`

	position
}

// PriceConfig is a price in dollars per million tokens.
type PriceConfig struct {
	Provider      string `yaml:"provider"`
	Model         string `yaml:"model"`
	Project       string `yaml:"project"`
	EffectiveFrom string `yaml:"effective_from"`
	Input         string `yaml:"input_usd_per_mtok"`
	CacheRead     string `yaml:"cache_read_usd_per_mtok"`
	CacheWrite5m  string `yaml:"cache_write_5m_usd_per_mtok"`
	CacheWrite1h  string `yaml:"cache_write_1h_usd_per_mtok"`
	Output        string `yaml:"output_usd_per_mtok"`
	Reasoning     string `yaml:"reasoning_usd_per_mtok"`
	InputAudio    string `yaml:"input_audio_usd_per_mtok"`
	OutputAudio   string `yaml:"output_audio_usd_per_mtok"`

	position
}

// TimeoutConfig bounds waiting: for providers, and, on the top level, for clients. Zero takes the default.
type TimeoutConfig struct {
	Connect   time.Duration `yaml:"connect"`
	FirstByte time.Duration `yaml:"first_byte"` // until the head of the answer
	Idle      time.Duration `yaml:"idle"`       // between two reads of an answer
	Request   time.Duration `yaml:"request"`    // until a request is here whole; its header has 10 s of it at most
	Stall     time.Duration `yaml:"stall"`      // how long a client may take nothing of its answer
	Shutdown  time.Duration `yaml:"shutdown"`   // how long streams may drain at a stop
}

// secretText is a secret, or a reference to one: env:NAME or file:PATH.
type secretText struct {
	account.Secret
	line int
}

// defaultConfig is what weir runs with when nothing is said.
func defaultConfig() Config {
	return Config{
		Listen: "127.0.0.1:4000", // loopback: opening weir to a network is a decision
		Data:   "./data",
		Record: RecordConfig{
			Content:    "full",  // people look at what was said; the policy is per project
			MaxCapture: 4 << 20, // beyond this a body is mostly base64
		},
		Unpriced: "allow", // a call is not refused for want of a price, it is shown as unpriced
		MaxBody:  20 << 20,
		Timeouts: TimeoutConfig{
			Connect:   10 * time.Second,
			FirstByte: 10 * time.Minute, // a long answer that is not streamed has its first byte at its end
			Idle:      2 * time.Minute,
			Request:   2 * time.Minute, // 20 MB at 1.4 Mbit/s
			Stall:     2 * time.Minute, // as patient with the client as with the provider: what stands still holds a provider's connection
			Shutdown:  30 * time.Second,
		},
	}
}

// position is where in the file a part of the configuration stands.
type position struct{ line int }

func (p *position) at(line int) { p.line = line }
