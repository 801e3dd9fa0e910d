package faultproxy

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Kind is what a fault does.
type Kind int

// The faults of connections, which hold for all of them, and those of exchanges, which are one request and its answer.
const (
	// None passes everything on.
	None Kind = iota
	// Away cuts every connection, and the port refuses new ones.
	Away
	// BlackHole accepts connections and passes nothing on, in either direction. What came meanwhile passes when it ends,
	// as after a network's outage: the server gets requests whose clients have given up.
	BlackHole
	// Slow passes Chunk bytes and waits Delay, over and over, in both directions.
	Slow
	// CutRequest passes After bytes of the request's body to the server, then cuts both connections.
	CutRequest
	// CutAnswer passes After bytes of the answer's body to the client, then cuts both connections.
	CutAnswer
	// Swallow lets the server answer, gives nothing of it to the client and cuts the connection.
	Swallow
	// Withhold lets the server answer and gives nothing of it to the client, whose connection stays open until the next Set.
	Withhold
	// Answer answers Status, Header and Body in the server's place, which never sees the request.
	Answer
)

var kindNames = [...]string{"None", "Away", "BlackHole", "Slow", "CutRequest", "CutAnswer", "Swallow", "Withhold", "Answer"}

// String is the constant's name.
func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return fmt.Sprintf("Kind(%d)", int(k))
	}
	return kindNames[k]
}

// Fault is one way to spoil what passes. The zero value spoils nothing.
type Fault struct {
	Kind Kind

	// Of the faults of exchanges:
	Match  func(*http.Request) bool // which requests; nil: all of them. It must leave the body alone
	Every  int                      // each how manyeth of these; 0 and 1: each
	After  int64                    // bytes that pass before a cut
	Status int                      // of Answer
	Header http.Header
	Body   string

	// Of Slow:
	Chunk int           // bytes that pass at once; 0: 1024
	Delay time.Duration // before each chunk
}

// ofExchange says whether the fault strikes single requests.
func (f *Fault) ofExchange() bool { return f.Kind >= CutRequest }

// check refuses what means nothing. isHTTP says that the proxy reads requests.
func (f *Fault) check(isHTTP bool) error {
	switch {
	case f.Kind < None || f.Kind > Answer:
		return fmt.Errorf("there is no fault %s", f.Kind)
	case !isHTTP && (f.Match != nil || f.Every > 1):
		return errors.New("only a proxy that reads HTTP can pick requests by Match and Every: set Config.HTTP")
	case !isHTTP && f.Kind >= Swallow:
		return fmt.Errorf("%s needs a proxy that reads HTTP: set Config.HTTP", f.Kind)
	case f.Kind == Answer && (f.Status < 200 || f.Status > 999):
		return fmt.Errorf("%d is no status to answer", f.Status)
	case f.Kind == Slow && f.Delay <= 0:
		return errors.New("a Slow fault needs a Delay")
	}
	return nil
}
