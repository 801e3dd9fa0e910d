package prompts

import (
	"context"
	"time"
)

// Replica is one of several weirs that share a store.
type Replica struct {
	ID        string // new at each start
	Name      string // for people: host and address
	StartedAt time.Time
	Revision  int64     // of the snapshot that it serves; 0: none yet
	Until     time.Time // by the store's clock: when its lease runs out
}

// Replicas is how weirs that share a store know of each other and wake each other. It is safe for concurrent use by
// several processes.
type Replicas interface {
	// RenewReplica says what a replica serves, and that it is alive for another lease from now by the store's clock.
	RenewReplica(ctx context.Context, r Replica, lease time.Duration) error
	// RemoveReplica takes one away that has ended.
	RemoveReplica(ctx context.Context, id string) error
	// LiveReplicas lists those whose lease has not run out, by name and id.
	LiveReplicas(ctx context.Context) ([]Replica, error)
	// Wake lets Watch of every process call its heard.
	Wake(ctx context.Context) error
	// Watch calls heard once when it listens, and then soon after each Wake. Several calls of Wake may become one of heard.
	// It returns when ctx ends or the connection breaks, and then nothing is heard any more.
	Watch(ctx context.Context, heard func()) error
}
