package clickhouse

import (
	"context"
	"fmt"
	"maps"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// driverInsertion is an INSERT by the driver, which any server understands.
type driverInsertion struct{ batch driver.Batch }

func (db *DB) driverInsert(ctx context.Context, statement, token string) (insertion, error) {
	settings := ch.Settings{"insert_deduplication_token": token}
	maps.Copy(settings, driverSettings)
	batch, err := db.conn.PrepareBatch(ch.Context(ctx, ch.WithSettings(settings)), statement)
	if err != nil {
		return nil, err
	}
	return driverInsertion{batch}, nil
}

var driverSettings = func() ch.Settings {
	s := ch.Settings{}
	for name, value := range insertSettings {
		s[name] = value
	}
	return s
}()

func (d driverInsertion) add(row binaryRow) error {
	if err := d.batch.AppendStruct(row); err != nil {
		return fmt.Errorf("%w: %w", errRow, err)
	}
	return nil
}

func (d driverInsertion) send() error {
	defer d.batch.Close()
	return d.batch.Send()
}

func (d driverInsertion) abort() { _ = d.batch.Close() }
