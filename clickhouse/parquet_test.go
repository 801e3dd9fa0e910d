package clickhouse

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/weir-dev/weir/internal/parquet"
)

// What weir exports as Parquet is read by ClickHouse, which has a reader of its own.
func TestClickHouseReadsParquet(t *testing.T) {
	cfg := testConfig(t)
	if cfg.Dial == nil {
		t.Skip("the server of WEIR_CLICKHOUSE_TEST_URL does not see this machine's files")
	}
	db := openTest(t, cfg)
	name := filepath.Join(t.TempDir(), "x.parquet")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	w, err := parquet.NewWriter(f, []parquet.Column{
		{Name: "id"},
		{Name: "model", Few: true},
		{Name: "cost", Kind: parquet.Money, Optional: true},
		{Name: "at", Kind: parquet.Time},
		{Name: "flags", Kind: parquet.Texts},
		{Name: "tags", Kind: parquet.TextMap},
		{Name: "share", Kind: parquet.Double, Optional: true},
		{Name: "yes", Kind: parquet.Bool},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range [][]any{
		{"a", "m", int64(-13_500), int64(1_764_057_600_123_456), []string{"x", "y"}, map[string]string{"team": "é"}, 0.5, true},
		{"b", "m", nil, int64(0), nil, nil, nil, false},
	} {
		if err := w.Write(row...); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	var got []string
	err = db.query(t.Context(), "read Parquet", func(rows driver.Rows) error {
		var line string
		err := rows.Scan(&line)
		got = append(got, line)
		return err
	}, `SELECT concat_ws(' ', id, model, coalesce(toString(cost), 'null'), toString(at), toString(flags), toString(tags), coalesce(toString(share), 'null'), toString(yes), toTypeName(cost), toTypeName(at))
		FROM file('`+name+`', 'Parquet') ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`a m -0.0000135 2025-11-25 08:00:00.123456 ['x','y'] {'team':'é'} 0.5 true Nullable(Decimal(18, 9)) DateTime64(6, 'UTC')`,
		`b m null 1970-01-01 00:00:00.000000 [] {} null false Nullable(Decimal(18, 9)) DateTime64(6, 'UTC')`,
	}
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Errorf("%q, want %q", got, want)
			break
		}
	}
}
