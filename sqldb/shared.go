package sqldb

import (
	"context"
	"encoding/hex"
	"fmt"
)

// SharedBytes gives the bytes that all weirs of this control plane have under a name. The first to ask settles them: its own are kept.
func (db *DB) SharedBytes(ctx context.Context, name string, own []byte) ([]byte, error) {
	_, err := db.bun.NewRaw("INSERT INTO shared_bytes (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", name, hex.EncodeToString(own)).Exec(ctx)
	if err != nil {
		return nil, fmt.Errorf("keep %s for all weirs: %w", name, err)
	}
	var text string
	if err := db.bun.NewRaw("SELECT value FROM shared_bytes WHERE name = ?", name).Scan(ctx, &text); err != nil {
		return nil, fmt.Errorf("read %s of all weirs: %w", name, err)
	}
	b, err := hex.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("read %s of all weirs: %w", name, err)
	}
	return b, nil
}
