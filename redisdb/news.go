package redisdb

import (
	"context"
	"time"
)

// newsKeys begins the names of channels.
const newsKeys = "weir:news:"

// Tell has whoever listens to a subject look again. Replicas that are not reached look by themselves before long.
func (db *DB) Tell(ctx context.Context, subject string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), db.timeout)
	defer cancel()
	if err := db.client.Publish(ctx, newsKeys+subject, "").Err(); err != nil {
		db.gone(err)
	}
}

// Listen calls look each time that somebody tells of a subject, until ctx ends. What is told while the server is away is
// not heard.
func (db *DB) Listen(ctx context.Context, subject string, look func(context.Context)) {
	sub := db.client.Subscribe(ctx, newsKeys+subject)
	defer func() { _ = sub.Close() }() // nothing is left to do about it
	news := sub.Channel()
	for {
		select {
		case <-ctx.Done():
			return
		case _, ok := <-news:
			if !ok {
				return
			}
			within, cancel := context.WithTimeout(ctx, 10*time.Second)
			look(within)
			cancel()
		}
	}
}
