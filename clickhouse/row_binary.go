package clickhouse

import (
	"encoding/binary"
	"io"
	"math"
	"time"
)

// binaryRow is a row that knows its form in RowBinary, column by column in the order of its struct.
type binaryRow interface{ encode(*rowBinary) }

// rowBinary writes values in ClickHouse's format RowBinary (https://clickhouse.com/docs/interfaces/formats/RowBinary):
// numbers little-endian, texts and lists after their length as LEB128. The first error stays.
type rowBinary struct {
	w   io.Writer
	buf []byte
	err error
}

const (
	rowBufferBytes = 64 << 10
	apartBytes     = 16 << 10 // a longer text is written from where it is
)

// flush writes what is buffered.
func (b *rowBinary) flush() error {
	if b.err == nil && len(b.buf) > 0 {
		_, b.err = b.w.Write(b.buf)
	}
	b.buf = b.buf[:0]
	return b.err
}

// end closes a row.
func (b *rowBinary) end() {
	if len(b.buf) >= rowBufferBytes-apartBytes {
		_ = b.flush() // the error stays
	}
}

func (b *rowBinary) text(s string) {
	b.buf = binary.AppendUvarint(b.buf, uint64(len(s)))
	b.buf = append(b.buf, s...)
}

func (b *rowBinary) bytes(p []byte) {
	b.buf = binary.AppendUvarint(b.buf, uint64(len(p)))
	if len(p) < apartBytes {
		b.buf = append(b.buf, p...)
		return
	}
	if b.flush() == nil {
		_, b.err = b.w.Write(p)
	}
}

func (b *rowBinary) texts(list []string) {
	b.buf = binary.AppendUvarint(b.buf, uint64(len(list)))
	for _, s := range list {
		b.text(s)
	}
}

func (b *rowBinary) bool(v bool) {
	if v {
		b.buf = append(b.buf, 1)
	} else {
		b.buf = append(b.buf, 0)
	}
}

func (b *rowBinary) int32(v int32) { b.buf = binary.LittleEndian.AppendUint32(b.buf, uint32(v)) }

func (b *rowBinary) int64(v int64)     { b.buf = binary.LittleEndian.AppendUint64(b.buf, uint64(v)) }
func (b *rowBinary) float64(v float64) { b.int64(int64(math.Float64bits(v))) }

// null says that a value of a Nullable column is none; a value follows when it is one.
func (b *rowBinary) null(is bool) { b.bool(is) }

// micros is a DateTime64(6).
func (b *rowBinary) micros(t time.Time) { b.int64(t.UnixMicro()) }

func (r *callRow) encode(b *rowBinary) {
	b.text(r.ID)
	b.text(r.CallID)
	b.text(r.TraceID)
	b.text(r.SpanID)
	b.text(r.ParentID)
	b.text(r.Kind)

	b.micros(r.StartTime)
	b.int64(r.Duration)
	if b.null(r.TTFT == nil); r.TTFT != nil {
		b.int64(*r.TTFT)
	}

	b.text(r.Project)
	b.text(r.KeyID)
	b.text(r.Key)
	b.text(r.User)
	b.text(r.Session)
	b.texts(r.TagNames)
	b.texts(r.TagValues)

	b.text(r.Endpoint)
	b.text(r.Path)
	b.bool(r.Stream)
	b.text(r.Provider)
	b.text(r.ModelRequested)
	b.text(r.Model)
	b.text(r.ResponseID)

	b.text(r.Status)
	b.int32(r.HTTPStatus)
	b.text(r.ErrorCode)
	b.bool(r.HasError)
	b.text(r.ErrorType)
	b.text(r.ErrorMessage)
	b.int32(r.ErrorStatus)
	b.bool(r.ErrorRetryable)
	b.texts(r.FinishReasons)
	b.text(r.ServiceTier)

	b.int64(r.InputUncached)
	b.int64(r.CacheRead)
	b.int64(r.CacheWrite5m)
	b.int64(r.CacheWrite1h)
	b.int64(r.InputAudio)
	b.int64(r.OutputText)
	b.int64(r.Reasoning)
	b.int64(r.OutputAudio)
	b.text(r.UsageSource)
	b.text(r.UsageRaw)
	b.int64(r.WebSearch)
	b.int64(r.Image)
	b.float64(r.AudioSeconds)

	if b.null(!r.Cost.known); r.Cost.known {
		b.int64(int64(r.Cost.amount)) // a Decimal(18, 9) is its nanodollars
	}
	b.int64(int64(r.Saved))
	b.int64(int64(r.Held))
	b.text(r.PriceStatus)
	b.text(r.PriceVersion)
	b.text(r.PriceRule)
	b.text(r.CostLines)
	b.text(r.ProviderCost)

	b.text(r.Cache)
	b.int32(r.Attempts)
	b.text(r.Prompt)
	b.int32(r.PromptVersion)
	b.text(r.Experiment)
	b.text(r.Arm)
	b.texts(r.Flags)

	b.text(r.PromptHash)
	b.int64(r.PromptRevision)
	b.int32(r.Epoch)
	b.text(r.Unit)
	b.int64(r.OwnText)

	b.text(r.CacheNeighbor)
	b.float64(r.CacheScore)

	b.text(r.InputPreview)
	b.text(r.OutputPreview)
	b.end()
}

func (r *bodyRow) encode(b *rowBinary) {
	b.text(r.CallID)
	b.text(r.TraceID)
	b.text(r.SpanID)
	b.text(r.Project)
	b.micros(r.StartTime)
	b.bytes(r.Request)
	b.bytes(r.Response)
	b.text(r.InputText)
	b.text(r.OutputText)
	b.int64(int64(r.Bytes))
	b.end()
}
