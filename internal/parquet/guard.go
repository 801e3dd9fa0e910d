package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// Limits bound what is read of a file. Zero fields are those of DefaultLimits.
type Limits struct {
	Rows    int   // of the file
	Columns int   // leaves of the schema
	Pages   int   // of all columns
	Values  int64 // of all columns, those that are null among them
	Page    int   // bytes of one page, decompressed
	Bytes   int64 // of all pages, decompressed, and of all values that are given
}

// DefaultLimits let a file of some hundred thousand rows pass.
var DefaultLimits = Limits{Rows: 1_000_000, Columns: 1000, Pages: 200_000, Values: 20_000_000, Page: 32 << 20, Bytes: 512 << 20}

func (l Limits) filled() Limits {
	d := DefaultLimits
	for _, f := range []struct{ v, unless *int }{{&l.Rows, &d.Rows}, {&l.Columns, &d.Columns}, {&l.Pages, &d.Pages}, {&l.Page, &d.Page}} {
		if *f.v <= 0 {
			*f.v = *f.unless
		}
	}
	if l.Values <= 0 {
		l.Values = d.Values
	}
	if l.Bytes <= 0 {
		l.Bytes = d.Bytes
	}
	return l
}

// guard looks at all pages of a file before the library makes room for what they say.
type guard struct {
	file   []byte
	left   Limits
	leaves []leaf
}

// leaf is a column of the schema that has values.
type leaf struct {
	name string
	kind format.Type
	rep  int // how deep values repeat
	def  int // how deep values may be missing
}

// check says what is wrong with a file.
func check(file []byte, l Limits) error {
	if err := checkFooter(file); err != nil {
		return err
	}
	n := len(file)
	footer := file[n-8-int(binary.LittleEndian.Uint32(file[n-8:])) : n-8]
	var meta format.FileMetaData
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), footer, &meta); err != nil {
		return fmt.Errorf("its footer is damaged: %w", err)
	}
	g := &guard{file: file, left: l}
	if len(meta.Schema) > 4*l.Columns {
		return fmt.Errorf("its schema has %d parts: at most %d are read", len(meta.Schema), 4*l.Columns)
	}
	at := 0
	if err := g.schema(meta.Schema, &at, leaf{}, 0); err != nil {
		return err
	}
	if at != len(meta.Schema) || len(g.leaves) == 0 || len(g.leaves) > l.Columns {
		return fmt.Errorf("its schema is damaged, or has more than %d columns", l.Columns)
	}
	if meta.NumRows < 0 || meta.NumRows > int64(l.Rows) {
		return fmt.Errorf("it has %d rows: at most %d are read", meta.NumRows, l.Rows)
	}
	rows := int64(0)
	for i := range meta.RowGroups {
		group := &meta.RowGroups[i]
		if rows += group.NumRows; group.NumRows < 0 || rows > meta.NumRows || len(group.Columns) != len(g.leaves) {
			return errors.New("its row groups do not have the rows and columns that it says")
		}
		for j := range group.Columns {
			if err := g.chunk(&group.Columns[j], &g.leaves[j]); err != nil {
				return fmt.Errorf("the column %q: %w", g.leaves[j].name, err)
			}
		}
	}
	return nil
}

// schema lists the leaves of the element at *at, and moves behind it.
func (g *guard) schema(all []format.SchemaElement, at *int, up leaf, depth int) error {
	if *at >= len(all) || depth > deepest {
		return errors.New("its schema is damaged, or nested too deeply")
	}
	e := &all[*at]
	*at++
	if depth > 0 {
		up.name = e.Name
		if e.RepetitionType.Valid {
			switch e.RepetitionType.V {
			case format.Optional:
				up.def++
			case format.Repeated:
				up.def++
				up.rep++
			}
		}
	}
	children := 0
	if e.NumChildren.Valid {
		children = int(e.NumChildren.V)
	}
	if children == 0 {
		if !e.Type.Valid {
			return fmt.Errorf("the column %q of its schema has no type", e.Name)
		}
		up.kind = e.Type.V
		g.leaves = append(g.leaves, up)
		return nil
	}
	for range children {
		if err := g.schema(all, at, up, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// chunk walks over the pages of a column in one row group.
func (g *guard) chunk(c *format.ColumnChunk, of *leaf) error {
	m := &c.MetaData
	if c.FilePath != "" {
		return errors.New("it is in another file")
	}
	from := m.DataPageOffset
	if m.DictionaryPageOffset != 0 {
		from = m.DictionaryPageOffset
	}
	if from < 4 || m.TotalCompressedSize < 0 || from > int64(len(g.file)) || m.TotalCompressedSize > int64(len(g.file))-from || m.DataPageOffset < from || m.DataPageOffset > from+m.TotalCompressedSize {
		return errors.New("it is said to be where it cannot be")
	}
	for b := g.file[from : from+m.TotalCompressedSize]; len(b) > 0; {
		w := &walker{b: b, things: 1000}
		if err := w.structure(0); err != nil {
			return fmt.Errorf("the head of a page is damaged: %w", err)
		}
		var head format.PageHeader
		if err := thrift.Unmarshal(new(thrift.CompactProtocol), b[:w.at], &head); err != nil {
			return fmt.Errorf("the head of a page is damaged: %w", err)
		}
		b = b[w.at:]
		if head.CompressedPageSize < 0 || int(head.CompressedPageSize) > len(b) {
			return errShort
		}
		if err := g.page(m.Codec, &head, b[:head.CompressedPageSize], of); err != nil {
			return fmt.Errorf("a page: %w", err)
		}
		b = b[head.CompressedPageSize:]
	}
	return nil
}

func (g *guard) page(codec format.CompressionCodec, head *format.PageHeader, data []byte, of *leaf) error {
	size := int(head.UncompressedPageSize)
	if size < 0 || size > g.left.Page {
		return fmt.Errorf("it has %d bytes: at most %d are read", size, g.left.Page)
	}
	if g.left.Pages--; g.left.Pages < 0 {
		return errors.New("the file has too many pages")
	}
	if g.left.Bytes -= int64(size); g.left.Bytes < 0 {
		return errors.New("the file has more in it than is read")
	}
	switch head.Type {
	case format.DictionaryPage:
		return g.dictionary(codec, head, data, size)
	case format.DataPage:
		return g.first(codec, head, data, size, of)
	case format.DataPageV2:
		return g.second(codec, head, data, size, of)
	}
	return fmt.Errorf("it is of the unknown kind %v", head.Type)
}

// count takes values of those that may be read.
func (g *guard) count(n int32) error {
	if n < 0 {
		return errors.New("it has less than no values")
	}
	if g.left.Values -= int64(n); g.left.Values < 0 {
		return errors.New("the file has too many values")
	}
	return nil
}

func (g *guard) dictionary(codec format.CompressionCodec, head *format.PageHeader, data []byte, size int) error {
	if !head.DictionaryPageHeader.Valid {
		return errShort
	}
	h := &head.DictionaryPageHeader.V
	if h.Encoding != format.Plain && h.Encoding != format.PlainDictionary { //nolint:staticcheck // older writers use it
		return unread(h.Encoding)
	}
	if err := g.count(h.NumValues); err != nil {
		return err
	}
	_, err := unpack(codec, data, size)
	return err
}

// first checks a data page of the first version: levels stand before the values, and all is compressed.
func (g *guard) first(codec format.CompressionCodec, head *format.PageHeader, data []byte, size int, of *leaf) error {
	if !head.DataPageHeader.Valid {
		return errShort
	}
	h := &head.DataPageHeader.V
	if err := g.count(h.NumValues); err != nil {
		return err
	}
	data, err := unpack(codec, data, size)
	if err != nil {
		return err
	}
	for _, level := range []struct {
		deep     int
		encoding format.Encoding
	}{{of.rep, h.RepetitionLevelEncoding}, {of.def, h.DefinitionLevelEncoding}} {
		if level.deep == 0 {
			continue
		}
		if level.encoding != format.RLE {
			return unread(level.encoding)
		}
		if len(data) < 4 {
			return errShort
		}
		n := uint64(binary.LittleEndian.Uint32(data))
		if n > uint64(len(data)-4) {
			return errShort
		}
		if err := runs(data[4:4+n], width(level.deep), h.NumValues); err != nil {
			return err
		}
		data = data[4+n:]
	}
	return values(h.Encoding, data, of, h.NumValues)
}

// second checks a data page of the second version: only the values are compressed.
func (g *guard) second(codec format.CompressionCodec, head *format.PageHeader, data []byte, size int, of *leaf) error {
	if !head.DataPageHeaderV2.Valid {
		return errShort
	}
	h := &head.DataPageHeaderV2.V
	if err := g.count(h.NumValues); err != nil {
		return err
	}
	if h.NumNulls < 0 || h.NumNulls > h.NumValues {
		return errShort
	}
	for _, level := range []struct {
		deep  int
		bytes int32
	}{{of.rep, h.RepetitionLevelsByteLength}, {of.def, h.DefinitionLevelsByteLength}} {
		if level.bytes < 0 || int(level.bytes) > len(data) || level.deep > 0 && level.bytes == 0 && h.NumValues > 0 {
			return errShort
		}
		if level.deep > 0 {
			if err := runs(data[:level.bytes], width(level.deep), h.NumValues); err != nil {
				return err
			}
		}
		data = data[level.bytes:]
	}
	if !h.IsCompressed.Valid || h.IsCompressed.V {
		var err error
		if data, err = unpack(codec, data, size); err != nil {
			return err
		}
	}
	return values(h.Encoding, data, of, h.NumValues)
}

// values checks what says how many values there are within the values.
func values(encoding format.Encoding, data []byte, of *leaf, n int32) error {
	switch encoding {
	case format.Plain:
		return nil
	case format.RLEDictionary, format.PlainDictionary: //nolint:staticcheck // older writers use it
		if len(data) == 0 {
			return nil
		}
		if data[0] > 32 {
			return errShort
		}
		return runs(data[1:], int(data[0]), n)
	case format.RLE:
		if of.kind != format.Boolean {
			return unread(encoding)
		}
		if len(data) < 4 || uint64(binary.LittleEndian.Uint32(data)) > uint64(len(data)-4) {
			return errShort
		}
		return runs(data[4:4+binary.LittleEndian.Uint32(data)], 1, n)
	}
	return unread(encoding)
}

func unread(e format.Encoding) error {
	return fmt.Errorf("it is encoded as %s, which is not read: write it plain or with a dictionary", e)
}

// width is how many bits a level takes.
func width(deepest int) int {
	n := 0
	for ; deepest > 0; deepest >>= 1 {
		n++
	}
	return n
}

// runs walks over runs of values of so many bits, which may not hold more than most and what fills up the last of them.
func runs(b []byte, bits int, most int32) error {
	total := uint64(0)
	for len(b) > 0 {
		head, n := binary.Uvarint(b)
		if n <= 0 {
			return errShort
		}
		b = b[n:]
		count, bytes := head>>1, uint64((bits+7)/8)
		if head&1 != 0 {
			if count > uint64(len(b))+1 && bits > 0 {
				return errShort
			}
			bytes = count * uint64(bits)
			count *= 8
		}
		if total += count; count > uint64(most)+512 || total > uint64(most)+512 {
			return errors.New("it has more values than it says")
		}
		if bytes > uint64(len(b)) {
			return errShort
		}
		b = b[bytes:]
	}
	return nil
}
