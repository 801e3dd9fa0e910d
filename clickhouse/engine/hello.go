package engine

import "encoding/binary"

// helloQuery begins the query with which clickhouse-go greets a server over HTTP.
const helloQuery = "SELECT displayName(), version(), revision(), timezone()"

// hello answers helloQuery. The client decodes this one block with the newest revision of the protocol it knows, and
// everything after it with the revision found inside: 0, which is the form of the engine's Native format.
func hello(version, timezone string) []byte {
	// Block information: field 1, is_overflows false; field 2, bucket_num -1; end.
	block := []byte{1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0}
	block = append(block, 4, 1) // columns, rows
	column := func(name, typ string, value []byte) {
		block = appendString(block, name)
		block = appendString(block, typ)
		block = append(block, 0) // no custom serialization
		block = append(block, value...)
	}
	column("displayName()", "String", appendString(nil, "weir-engine"))
	column("version()", "String", appendString(nil, version))
	column("revision()", "UInt32", binary.LittleEndian.AppendUint32(nil, 0))
	column("timezone()", "String", appendString(nil, timezone))
	return block
}

// appendString appends s in the Native format: its length as a varint, then its bytes.
func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}
