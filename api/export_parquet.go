package api

import (
	"io"

	"github.com/weir-dev/weir/internal/parquet"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// contentParquet is a Parquet file.
const contentParquet = "application/vnd.apache.parquet"

// parquetSheet is a row of a Parquet file a call, with the columns of CSV by their own types.
type parquetSheet struct {
	to     io.Writer
	bodies bool
	file   *parquet.Writer
}

// parquetKinds are the columns that are not plain text, by name.
var parquetKinds = map[string]parquet.Column{
	"start_time": {Kind: parquet.Time}, "duration_ms": {Kind: parquet.Double}, "ttft_ms": {Kind: parquet.Double, Optional: true},
	"tags": {Kind: parquet.TextMap}, "stream": {Kind: parquet.Bool}, "http_status": {Kind: parquet.Int}, "input_uncached": {Kind: parquet.Int},
	"cache_read": {Kind: parquet.Int}, "cache_write_5m": {Kind: parquet.Int}, "cache_write_1h": {Kind: parquet.Int}, "input_audio": {Kind: parquet.Int},
	"output_text": {Kind: parquet.Int}, "reasoning": {Kind: parquet.Int}, "output_audio": {Kind: parquet.Int}, "web_search": {Kind: parquet.Int},
	"image": {Kind: parquet.Int}, "audio_seconds": {Kind: parquet.Double}, "cost_usd": {Kind: parquet.Money, Optional: true},
	"saved_usd": {Kind: parquet.Money}, "attempts": {Kind: parquet.Int}, "finish_reasons": {Kind: parquet.Texts}, "flags": {Kind: parquet.Texts},
	"id": {}, "trace_id": {}, "user": {}, "session": {}, "error_message": {Large: true},
}

func (p *parquetSheet) head() (err error) {
	columns := make([]parquet.Column, len(callColumns), len(callColumns)+2)
	for i, name := range callColumns {
		c, known := parquetKinds[name]
		if !known {
			c.Few = true
		}
		c.Name = name
		columns[i] = c
	}
	if p.bodies {
		for _, name := range []string{"request", "response"} {
			columns = append(columns, parquet.Column{Name: name, Optional: true, Large: true})
		}
	}
	p.file, err = parquet.NewWriter(p.to, columns)
	return err
}

func (p *parquetSheet) row(r *trace.Record, bodies bool) error {
	v := callOf(&r.Call)
	message := ""
	if r.Call.Error != nil {
		message = r.Call.Error.Message
	}
	u := &v.Usage
	cells := []any{
		v.ID, v.TraceID, r.Call.Start.UnixMicro(), v.DurationMS, known(v.TTFTMS), v.Project, v.Key, v.User, v.Session, v.Tags, string(v.Endpoint), v.Stream, v.Provider,
		v.ModelRequested, v.Model, string(v.Status), int64(v.HTTPStatus), v.ErrorCode, message, u.InputUncached, u.CacheRead, u.CacheWrite5m,
		u.CacheWrite1h, u.InputAudio, u.OutputText, u.Reasoning, u.OutputAudio, string(v.UsageSource), v.Units.WebSearch, v.Units.Image, v.Units.AudioSeconds,
		nanodollars(v.CostUSD), nanodollars(&v.SavedUSD), string(v.PriceStatus), v.PriceVersion, string(v.Cache), int64(v.Attempts), v.Prompt, v.Arm, v.FinishReasons, v.Flags,
	}
	for i, c := range cells {
		if s, ok := c.(string); ok {
			cells[i] = utf8Text([]byte(s))
		}
	}
	if bodies {
		cells = append(cells, recorded(r.Body.Request), recorded(r.Body.Response))
	}
	return p.file.Write(cells...)
}

func (p *parquetSheet) end() error { return p.file.Close() }

// known is nil for what is not known.
func known(v *float64) any {
	if v == nil {
		return nil
	}
	return *v
}

// nanodollars is an amount as a decimal of Parquet holds it, and nil for one that is not known.
func nanodollars(v *price.USD) any {
	if v == nil {
		return nil
	}
	clamped, _ := v.Clamp()
	return int64(clamped)
}

// recorded is a body as text, and nil for none.
func recorded(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return utf8Text(b)
}
