package experiment

import (
	"crypto/sha256"
	"encoding/binary"
)

// point is a unit's place on the line: the top 53 bits of SHA-256(salt ‖ 0x00 ‖ unit).
func point(salt, unit string) uint64 {
	var buffer [256]byte
	b := append(append(append(buffer[:0], salt...), 0), unit...)
	sum := sha256.Sum256(b)
	return binary.BigEndian.Uint64(sum[:8]) >> 11
}

// Bucket is a unit's number from 0 to below 1, for anyone who wants to know beforehand where a unit falls.
func Bucket(salt, unit string) float64 { return float64(point(salt, unit)) / float64(whole) }
