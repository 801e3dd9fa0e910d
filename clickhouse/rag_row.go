package clickhouse

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/weir-dev/weir/rag"
)

// ragPointRow is one row of rag_points. Its tags are the only list of the table's columns outside the migrations.
type ragPointRow struct {
	Collection  uint64    `ch:"collection"`
	Document    string    `ch:"document"`
	Seq         uint64    `ch:"seq"`
	ID          string    `ch:"id"` // 16 bytes
	Ordinal     int32     `ch:"ordinal"`
	Title       string    `ch:"title"`
	Hash        string    `ch:"document_hash"`
	Tenant      string    `ch:"tenant"`
	LabelNames  []string  `ch:"label_names"`
	LabelValues []string  `ch:"label_values"`
	Vector      []float32 `ch:"vector"`
	TermIDs     []uint32  `ch:"term_ids"`
	TermWeights []float32 `ch:"term_weights"`
	Passage     string    `ch:"passage"`
}

var (
	ragPointColumns = columnsOf[ragPointRow]()
	// ragChunkColumns are what a chunk is made of.
	ragChunkColumns = columns{"seq", "passage"}
)

func (r *ragPointRow) encode(b *rowBinary) {
	b.int64(int64(r.Collection))
	b.text(r.Document)
	b.int64(int64(r.Seq))
	b.buf = append(b.buf, r.ID...)
	b.int32(r.Ordinal)
	b.text(r.Title)
	b.text(r.Hash)
	b.text(r.Tenant)
	b.texts(r.LabelNames)
	b.texts(r.LabelValues)
	b.float32s(r.Vector)
	b.uint32s(r.TermIDs)
	b.float32s(r.TermWeights)
	b.text(r.Passage)
	b.end()
}

// ragPassage is what the column passage holds.
type ragPassage struct {
	ID          string            `json:"id"`
	Document    string            `json:"document"`
	Title       string            `json:"title,omitempty"`
	Text        string            `json:"text"`
	Headings    []string          `json:"headings,omitempty"`
	Ordinal     int               `json:"ordinal"`
	Start       int               `json:"start"`
	End         int               `json:"end"`
	ParentStart int               `json:"parent_start"`
	ParentEnd   int               `json:"parent_end"`
	Parent      string            `json:"parent,omitempty"`
	Tokens      int               `json:"tokens"`
	Hash        string            `json:"document_hash"`
	Labels      map[string]string `json:"labels,omitempty"`
	Tenant      string            `json:"tenant,omitempty"`
}

// ragTermRow is one row of rag_terms.
type ragTermRow struct {
	Collection uint64  `ch:"collection"`
	Term       uint32  `ch:"term"`
	Seq        uint64  `ch:"seq"`
	Tenant     string  `ch:"tenant"`
	Weight     float32 `ch:"weight"`
}

var ragTermColumns = columnsOf[ragTermRow]()

func (r *ragTermRow) encode(b *rowBinary) {
	b.int64(int64(r.Collection))
	b.int32(int32(r.Term))
	b.int64(int64(r.Seq))
	b.text(r.Tenant)
	b.int32(int32(math.Float32bits(r.Weight)))
	b.end()
}

// ragGoneRow is one row of rag_gone.
type ragGoneRow struct {
	Collection uint64 `ch:"collection"`
	Seq        uint64 `ch:"seq"`
	At         uint64 `ch:"at"`
}

var ragGoneColumns = columnsOf[ragGoneRow]()

func (r *ragGoneRow) encode(b *rowBinary) {
	b.int64(int64(r.Collection))
	b.int64(int64(r.Seq))
	b.int64(int64(r.At))
	b.end()
}

// uuidBytes gives the bytes of a UUID.
func uuidBytes(id string) (string, error) {
	raw, err := hex.DecodeString(strings.ReplaceAll(id, "-", ""))
	if err != nil || len(raw) != 16 || len(id) != 36 {
		const shown = 80
		return "", fmt.Errorf("%.*q is no id of a chunk: want a UUID", shown, id)
	}
	return string(raw), nil
}

func uuidText(raw string) string {
	x := hex.EncodeToString([]byte(raw))
	if len(x) != 32 {
		return x
	}
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}

// setChunk puts what a chunk says into the row.
func (r *ragPointRow) setChunk(c *rag.Chunk) error {
	r.Document, r.Ordinal, r.Title, r.Hash, r.Tenant = c.Document, int32(c.Ordinal), c.Title, c.DocumentHash, c.Tenant
	r.LabelNames, r.LabelValues = slices.Sorted(maps.Keys(c.Labels)), nil
	for _, name := range r.LabelNames {
		r.LabelValues = append(r.LabelValues, c.Labels[name])
	}
	text, err := json.Marshal(ragPassage{
		ID: uuidText(r.ID), Document: c.Document, Title: c.Title, Text: c.Text, Headings: c.Headings, Ordinal: c.Ordinal, Start: c.Start, End: c.End,
		ParentStart: c.ParentStart, ParentEnd: c.ParentEnd, Parent: c.Parent, Tokens: c.Tokens, Hash: c.DocumentHash, Labels: c.Labels, Tenant: c.Tenant,
	})
	r.Passage = string(text)
	return err
}

// chunk reads the row's passage.
func (r *ragPointRow) chunk() (rag.Chunk, error) {
	var p ragPassage
	if err := json.Unmarshal([]byte(r.Passage), &p); err != nil {
		return rag.Chunk{}, fmt.Errorf("the passage of row %d: %w", r.Seq, err)
	}
	return rag.Chunk{
		ID: p.ID, Document: p.Document, Title: p.Title, Text: p.Text, Headings: p.Headings, Ordinal: p.Ordinal, Start: p.Start, End: p.End,
		ParentStart: p.ParentStart, ParentEnd: p.ParentEnd, Parent: p.Parent, Tokens: p.Tokens, DocumentHash: p.Hash, Labels: p.Labels, Tenant: p.Tenant,
	}, nil
}

func (b *rowBinary) uint32s(list []uint32) {
	b.buf = binary.AppendUvarint(b.buf, uint64(len(list)))
	for _, x := range list {
		b.buf = binary.LittleEndian.AppendUint32(b.buf, x)
	}
}
