package sqldb

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// wakeChannel is weir's among the channels of a PostgreSQL database.
const wakeChannel = "weir_wake"

// Wake implements prompts.Replicas by NOTIFY.
func (r Replicas) Wake(ctx context.Context) error {
	if !r.db.postgres {
		return errNoPush
	}
	if _, err := r.db.bun.NewRaw("SELECT pg_notify(?, '')", wakeChannel).Exec(ctx); err != nil {
		return fmt.Errorf("wake replicas: %w", err)
	}
	return nil
}

// Watch implements prompts.Replicas by LISTEN, on a connection of its own.
func (r Replicas) Watch(ctx context.Context, heard func()) error {
	if !r.db.postgres {
		return errNoPush
	}
	conn, err := r.db.bun.DB.Conn(ctx)
	if err != nil {
		return fmt.Errorf("listen for changes: connect: %w", err)
	}
	defer conn.Close()
	err = conn.Raw(func(driver any) error {
		pg, ok := driver.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("the driver gives a %T", driver)
		}
		return listen(ctx, pg.Conn(), heard)
	})
	if err != nil {
		return fmt.Errorf("listen for changes: %w", err)
	}
	return nil
}

// listen hears on a connection until it breaks or ctx ends. The connection is closed after: it must not go back to the pool
// while it still listens.
func listen(ctx context.Context, conn *pgx.Conn, heard func()) error {
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, "LISTEN "+wakeChannel); err != nil {
		return err
	}
	heard()
	for {
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return err
		}
		heard()
	}
}
