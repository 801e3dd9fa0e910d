package main

// ballast is memory that is never touched, so it costs none, and that the collector counts: it collects when as much was
// made again as there is, ballast included, so with a small heap a third as often. What weir needs for its calls is garbage soon
// and is made by the megabyte; the heap that stays is small. docs/adr/0013 has what it saves.
type ballast []byte

const ballastBytes = 24 << 20

func newBallast() ballast { return make(ballast, ballastBytes) }
