package sqldb

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/uptrace/bun"

	"github.com/weir-dev/weir/eval"
)

// chunkBytes is how much of a snapshot goes into a row, about.
const chunkBytes = 256 << 10

// datasetVersionRow is a row of dataset_versions.
type datasetVersionRow struct {
	bun.BaseModel `bun:"table:dataset_versions"`

	Dataset   string `bun:"dataset,pk"`
	Number    int64  `bun:"number,pk"`
	Hash      string `bun:"hash"`
	Items     int64  `bun:"items"`
	Splits    string `bun:"splits"`
	Message   string `bun:"message"`
	Author    string `bun:"author"`
	CreatedAt int64  `bun:"created_at"`
}

// datasetChunkRow is a row of dataset_chunks.
type datasetChunkRow struct {
	bun.BaseModel `bun:"table:dataset_chunks"`

	Hash   string `bun:"hash,pk"`
	Number int64  `bun:"number,pk"`
	Items  string `bun:"items"`
}

var _ eval.Datasets = (*DB)(nil)

func (r *datasetVersionRow) version() (eval.Version, error) {
	v := eval.Version{Dataset: r.Dataset, Number: int(r.Number), Hash: r.Hash, Items: int(r.Items), Message: r.Message, Author: r.Author, CreatedAt: fromMicros(r.CreatedAt)}
	if err := json.Unmarshal([]byte(r.Splits), &v.Splits); err != nil {
		return v, fmt.Errorf("dataset %s@%d is damaged: %w", r.Dataset, r.Number, err)
	}
	return v, nil
}

// PutDataset implements eval.Datasets.
func (db *DB) PutDataset(ctx context.Context, v eval.Version, s *eval.Snapshot) (eval.Version, bool, error) {
	splits, err := json.Marshal(s.Splits)
	if err != nil {
		return v, false, fmt.Errorf("dataset %s: %w", v.Dataset, err)
	}
	var out eval.Version
	made := false
	err = db.bun.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		var newest []datasetVersionRow
		if err := tx.NewSelect().Model(&newest).Where("dataset = ?", v.Dataset).Order("number DESC").Limit(1).Scan(ctx); err != nil {
			return err
		}
		row := datasetVersionRow{
			Dataset: v.Dataset, Number: 1, Hash: s.Hash, Items: int64(len(s.Items)), Splits: string(splits), Message: v.Message, Author: v.Author, CreatedAt: micros(v.CreatedAt),
		}
		if len(newest) > 0 {
			if newest[0].Hash == s.Hash {
				out, err = newest[0].version()
				return err
			}
			row.Number = newest[0].Number + 1
		}
		if err := putChunks(ctx, tx, s); err != nil {
			return err
		}
		made = true
		if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil { // another was quicker: it is for who asks to ask again
			return err
		}
		out, err = row.version()
		return err
	})
	if err != nil {
		return v, false, fmt.Errorf("store dataset %s: %w", v.Dataset, err)
	}
	return out, made, nil
}

// putChunks stores a snapshot's items, unless they are there.
func putChunks(ctx context.Context, tx bun.Tx, s *eval.Snapshot) error {
	there, err := tx.NewSelect().Model((*datasetChunkRow)(nil)).Where("hash = ?", s.Hash).Exists(ctx)
	if err != nil || there {
		return err
	}
	var text strings.Builder
	n := int64(0)
	flush := func() error {
		if text.Len() == 0 {
			return nil
		}
		row := &datasetChunkRow{Hash: s.Hash, Number: n, Items: text.String()}
		n++
		text.Reset()
		_, err := tx.NewInsert().Model(row).On("CONFLICT DO NOTHING").Exec(ctx)
		return err
	}
	for i := range s.Items {
		if err := eval.WriteJSONL(&text, s.Items[i:i+1]); err != nil {
			return err
		}
		if text.Len() >= chunkBytes {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// ListDatasets implements eval.Datasets.
func (db *DB) ListDatasets(ctx context.Context) ([]eval.Version, error) {
	var rows []datasetVersionRow
	newest := db.bun.NewSelect().Model((*datasetVersionRow)(nil)).Column("dataset").ColumnExpr("max(number) AS number").Group("dataset")
	err := db.bun.NewSelect().Model(&rows).Join("JOIN (?) AS newest ON newest.dataset = dataset_version_row.dataset AND newest.number = dataset_version_row.number", newest).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("list datasets: %w", err)
	}
	out, err := versionsOf(rows)
	slices.SortFunc(out, func(a, b eval.Version) int { return cmp.Compare(a.Dataset, b.Dataset) }) // as every database does
	return out, err
}

func versionsOf(rows []datasetVersionRow) ([]eval.Version, error) {
	out := make([]eval.Version, len(rows))
	for i := range rows {
		var err error
		if out[i], err = rows[i].version(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// DatasetVersions implements eval.Datasets.
func (db *DB) DatasetVersions(ctx context.Context, name string) ([]eval.Version, error) {
	var rows []datasetVersionRow
	if err := db.bun.NewSelect().Model(&rows).Where("dataset = ?", name).Order("number DESC").Scan(ctx); err != nil {
		return nil, fmt.Errorf("read dataset %s: %w", name, err)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%w: %.100q", eval.ErrNoDataset, name)
	}
	return versionsOf(rows)
}

// leastHash is how much of a hash names a version.
const leastHash = 8

// Dataset implements eval.Datasets.
func (db *DB) Dataset(ctx context.Context, name, ref string) (eval.Version, eval.Snapshot, error) {
	all, err := db.DatasetVersions(ctx, name)
	if err != nil {
		return eval.Version{}, eval.Snapshot{}, err
	}
	i := slices.IndexFunc(all, func(v eval.Version) bool {
		return ref == "" || ref == strconv.Itoa(v.Number) || len(ref) >= leastHash && strings.HasPrefix(v.Hash, ref)
	})
	if i < 0 {
		return eval.Version{}, eval.Snapshot{}, fmt.Errorf("%w: %.100q has no version %.100q", eval.ErrNoDataset, name, ref)
	}
	v := all[i]
	var chunks []datasetChunkRow
	if err := db.bun.NewSelect().Model(&chunks).Where("hash = ?", v.Hash).Order("number").Scan(ctx); err != nil {
		return v, eval.Snapshot{}, fmt.Errorf("read dataset %s@%d: %w", name, v.Number, err)
	}
	var text strings.Builder
	for i := range chunks {
		text.WriteString(chunks[i].Items)
	}
	items, err := eval.ReadJSONL(fmt.Sprintf("%s@%d", name, v.Number), strings.NewReader(text.String()))
	if err != nil {
		return v, eval.Snapshot{}, fmt.Errorf("dataset %s@%d is damaged: %w", name, v.Number, err)
	}
	s, err := eval.NewSnapshot(items, v.Splits...)
	if err == nil && s.Hash != v.Hash {
		err = fmt.Errorf("dataset %s@%d is damaged: its items do not have its hash", name, v.Number)
	}
	return v, s, err
}

// DeleteDataset implements eval.Datasets.
func (db *DB) DeleteDataset(ctx context.Context, name string) error {
	err := db.bun.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		there, err := changed(tx.NewDelete().Model((*datasetVersionRow)(nil)).Where("dataset = ?", name).Exec(ctx))
		if err != nil {
			return err
		}
		if !there {
			return eval.ErrNoDataset
		}
		_, err = tx.NewRaw("DELETE FROM dataset_chunks WHERE hash NOT IN (SELECT hash FROM dataset_versions)").Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("delete dataset %.100q: %w", name, err)
	}
	return nil
}
