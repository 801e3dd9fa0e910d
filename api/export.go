package api

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weir-dev/weir/trace"
)

// contentJSONLines is a JSON object a line.
const contentJSONLines = "application/x-ndjson"

var exportParams = []param{
	{name: "format", about: "jsonl unless given", enum: []string{"jsonl", "csv", "parquet"}},
	{name: "bodies", about: "true: with requests and answers", enum: truths},
}

// exportCalls streams calls. Once the first is sent an error can be told only by cutting the answer off.
func (a *API) exportCalls(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	f, err := readFilter(q, time.Now(), time.UTC)
	if err != nil {
		return err
	}
	format, err := readFormat(r, "jsonl", "csv", "parquet")
	if err != nil {
		return err
	}
	if v := q.Get("bodies"); v != "" && !slices.Contains(truths, v) {
		return bad("bodies", "bodies=%q is unknown: want true or false", clip(v))
	}
	bodies := q.Get("bodies") == "true"
	out := sheet(jsonLines{json.NewEncoder(w)})
	contentType := contentJSONLines
	switch format {
	case "csv":
		out, contentType = &csvSheet{table: csv.NewWriter(w), bodies: bodies}, "text/csv; charset=utf-8"
	case "parquet":
		out, contentType = &parquetSheet{to: w, bodies: bodies}, contentParquet
	}
	begun := false
	begin := func() error {
		if begun {
			return nil
		}
		begun = true
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Content-Disposition", `attachment; filename="weir-calls.`+format+`"`)
		return out.head()
	}
	for rec, err := range a.cfg.Reader.Export(r.Context(), f, bodies) {
		if err == nil {
			if err = begin(); err == nil {
				err = out.row(&rec, bodies)
			}
		}
		if err != nil {
			return a.cut(r, begun, fmt.Errorf("export calls: %w", err))
		}
	}
	if err := begin(); err != nil {
		return a.cut(r, begun, err)
	}
	if err := out.end(); err != nil {
		return a.cut(r, begun, err)
	}
	return nil
}

// cut ends a stream that failed: the connection is broken off, so that no client takes a part for the whole.
func (a *API) cut(r *http.Request, begun bool, err error) error {
	if !begun {
		return err
	}
	if r.Context().Err() == nil {
		a.cfg.Log.Error("export cut off", "error", err)
	}
	panic(http.ErrAbortHandler)
}

// sheet is a form that calls are exported in.
type sheet interface {
	head() error
	row(r *trace.Record, bodies bool) error
	end() error
}

// jsonLines is a JSON object a line.
type jsonLines struct{ *json.Encoder }

func (jsonLines) head() error { return nil }
func (j jsonLines) row(r *trace.Record, bodies bool) error {
	return j.Encode(exportedOf(r, bodies))
}
func (jsonLines) end() error { return nil }

// csvSheet is a CSV record a call.
type csvSheet struct {
	table  *csv.Writer
	bodies bool
}

var callColumns = []string{
	"id", "trace_id", "start_time", "duration_ms", "ttft_ms", "project", "key", "user", "session", "tags", "endpoint", "stream", "provider",
	"model_requested", "model", "status", "http_status", "error_code", "error_message", "input_uncached", "cache_read", "cache_write_5m",
	"cache_write_1h", "input_audio", "output_text", "reasoning", "output_audio", "usage_source", "web_search", "image", "audio_seconds",
	"cost_usd", "saved_usd", "price_status", "price_version", "cache", "attempts", "prompt", "arm", "finish_reasons", "flags",
}

func (c *csvSheet) head() error {
	columns := callColumns
	if c.bodies {
		columns = slices.Concat(columns, []string{"request", "response"})
	}
	return c.table.Write(columns)
}

func (c *csvSheet) row(r *trace.Record, bodies bool) error {
	v := callOf(&r.Call)
	tags, err := json.Marshal(v.Tags)
	if err != nil {
		return err
	}
	message := ""
	if r.Call.Error != nil {
		message = r.Call.Error.Message
	}
	u := &v.Usage
	cells := slices.Concat(
		texts(v.ID, v.TraceID), []string{stampText(r.Call.Start), decimal(&v.DurationMS), decimal(v.TTFTMS)},
		texts(v.Project, v.Key, v.User, v.Session), []string{string(tags)},
		texts(string(v.Endpoint), strconv.FormatBool(v.Stream), v.Provider, v.ModelRequested, v.Model, string(v.Status)),
		numbers(int64(v.HTTPStatus)), texts(v.ErrorCode, message),
		numbers(u.InputUncached, u.CacheRead, u.CacheWrite5m, u.CacheWrite1h, u.InputAudio, u.OutputText, u.Reasoning, u.OutputAudio),
		texts(string(v.UsageSource)), numbers(v.Units.WebSearch, v.Units.Image), []string{decimal(&v.Units.AudioSeconds), money(v.CostUSD), v.SavedUSD.String()},
		texts(string(v.PriceStatus), v.PriceVersion, string(v.Cache)), numbers(int64(v.Attempts)),
		texts(v.Prompt, v.Arm, strings.Join(v.FinishReasons, " "), strings.Join(v.Flags, " ")),
	)
	if bodies {
		cells = append(cells, texts(utf8Text(r.Body.Request), utf8Text(r.Body.Response))...)
	}
	return c.table.Write(cells)
}

func (c *csvSheet) end() error {
	c.table.Flush()
	return c.table.Error()
}

func utf8Text(b []byte) string { return strings.ToValidUTF8(string(b), "\uFFFD") }
