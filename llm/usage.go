package llm

// Usage is a call's token count in disjoint buckets: the first five add up to the whole input, the last three to the
// whole output. No bucket is negative.
type Usage struct {
	InputUncached int64 `json:"input_uncached"`
	CacheRead     int64 `json:"cache_read"`
	CacheWrite5m  int64 `json:"cache_write_5m"`
	CacheWrite1h  int64 `json:"cache_write_1h"`
	InputAudio    int64 `json:"input_audio"`

	OutputText  int64 `json:"output_text"`
	Reasoning   int64 `json:"reasoning"`
	OutputAudio int64 `json:"output_audio"`
}

// Input is the whole input, cached tokens included.
func (u Usage) Input() int64 {
	return u.InputUncached + u.CacheRead + u.CacheWrite5m + u.CacheWrite1h + u.InputAudio
}

// Output is the whole output, reasoning included.
func (u Usage) Output() int64 { return u.OutputText + u.Reasoning + u.OutputAudio }

// UsageSource says where a Usage comes from.
type UsageSource string

// A single estimated bucket makes the whole usage estimated. None: nothing was generated or billable.
const (
	FromProvider UsageSource = "provider"
	Estimated    UsageSource = "estimated"
	NoUsage      UsageSource = "none"
)

// Units are billed things that are not tokens. The zero value bills none.
type Units struct {
	WebSearch    int64   `json:"web_search,omitempty"`    // searches run by the provider
	Image        int64   `json:"image,omitempty"`         // images made
	AudioSeconds float64 `json:"audio_seconds,omitempty"` // audio transcribed by duration
}
