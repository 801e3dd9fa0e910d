package rag

import (
	"crypto/sha1" // UUIDv5 is made of it
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
	"maps"
	"slices"
)

// namespace is the UUID that the ids of chunks are made under; it never changes.
var namespace = [16]byte{0x5d, 0x0e, 0x6f, 0x0b, 0x4c, 0x2b, 0x4e, 0x0e, 0x9b, 0x8b, 0x77, 0x65, 0x69, 0x72, 0x72, 0x67}

// ChunkID gives the id of a chunk: a UUIDv5 of the document's id, the splitter's version and the text; occurrence tells equal
// texts of one document apart, from 0.
func ChunkID(document, splitter, text string, occurrence int) string {
	h := sha1.New()
	h.Write(namespace[:])
	var n [8]byte
	for _, part := range []string{document, splitter, text} { // each with its length before it, so that none runs into the next
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		_, _ = io.WriteString(h, part)
	}
	binary.BigEndian.PutUint64(n[:], uint64(occurrence))
	h.Write(n[:])
	id := h.Sum(nil)[:16]
	id[6], id[8] = id[6]&0x0f|0x50, id[8]&0x3f|0x80
	var text36 [36]byte
	hex.Encode(text36[0:8], id[0:4])
	hex.Encode(text36[9:13], id[4:6])
	hex.Encode(text36[14:18], id[6:8])
	hex.Encode(text36[19:23], id[8:10])
	hex.Encode(text36[24:], id[10:])
	text36[8], text36[13], text36[18], text36[23] = '-', '-', '-', '-'
	return string(text36[:])
}

// HashText gives a DocumentHash.
func HashText(text string) string {
	h := sha256.New()
	_, _ = io.WriteString(h, text)
	return hex.EncodeToString(h.Sum(nil))
}

// Chunks cuts a document.
func Chunks(doc *Document, s Splitter) []Chunk { return chunksOf(doc, s.Split(doc), s.Version()) }

func chunksOf(doc *Document, pieces []Piece, version string) []Chunk {
	if len(pieces) == 0 {
		return nil
	}
	hash := HashText(doc.Text)
	times := make(map[string]int, len(pieces))
	chunks := make([]Chunk, len(pieces))
	for i, p := range pieces {
		text := doc.Text[p.Start:p.End]
		chunks[i] = Chunk{
			ID: ChunkID(doc.ID, version, text, times[text]), Document: doc.ID, Title: doc.Title, Text: text, Headings: p.Headings, Ordinal: i,
			Start: p.Start, End: p.End, ParentStart: p.ParentStart, ParentEnd: p.ParentEnd,
			Tokens: p.Tokens, DocumentHash: hash, Labels: doc.Labels, Tenant: doc.Tenant,
		}
		if p.ParentStart != p.Start || p.ParentEnd != p.End {
			chunks[i].Parent = doc.Text[p.ParentStart:p.ParentEnd]
		}
		times[text]++
	}
	return chunks
}

// sameChunk says whether a chunk of the index is as it would be written now. The texts are the same when the ids are.
func sameChunk(a, b *Chunk) bool {
	return a.ID == b.ID && a.Document == b.Document && a.Title == b.Title && a.Ordinal == b.Ordinal && a.Start == b.Start && a.End == b.End &&
		a.ParentStart == b.ParentStart && a.ParentEnd == b.ParentEnd && a.Parent == b.Parent && a.Tokens == b.Tokens &&
		a.DocumentHash == b.DocumentHash && a.Tenant == b.Tenant && slices.Equal(a.Headings, b.Headings) && maps.Equal(a.Labels, b.Labels)
}
