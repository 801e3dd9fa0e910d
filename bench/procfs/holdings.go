package procfs

// Holdings are what a process holds at a moment.
type Holdings struct {
	Resident int64 // memory, bytes
	Threads  int
	Files    int // open file descriptors
}

// Add is both together.
func (h Holdings) Add(o Holdings) Holdings {
	return Holdings{h.Resident + o.Resident, h.Threads + o.Threads, h.Files + o.Files}
}
