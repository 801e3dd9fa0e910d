//go:build !linux

package procfs

import "time"

// Supported says whether this system keeps the accounts that this package reads.
const Supported = false

// CPU is unknown here: 0.
func CPU(int) time.Duration { return 0 }

// Children are unknown here: none.
func Children(int) []int { return nil }

// PeakMemory is unknown here: 0.
func PeakMemory(int) int64 { return 0 }

// ResetPeak does nothing here.
func ResetPeak(int) {}

// ReadMachine reads nothing here.
func ReadMachine() Machine { return Machine{} }

// Describe knows nothing here.
func Describe() []string { return nil }
