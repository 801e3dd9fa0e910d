package main

import (
	"fmt"
	"io"
	"os"

	"github.com/weir-dev/weir/eval"
)

// mostParquet is how large a dataset's Parquet file may be: it is read into memory.
const mostParquet = 1 << 30

// readParquet reads a dataset's Parquet file.
func readParquet(name string, f *os.File, as eval.Columns) ([]eval.Item, error) {
	file, err := io.ReadAll(io.LimitReader(f, mostParquet+1))
	if err != nil {
		return nil, fmt.Errorf("read the dataset: %w", err)
	}
	if len(file) > mostParquet {
		return nil, fmt.Errorf("the dataset %s is larger than %d MiB: split it", name, mostParquet>>20)
	}
	return eval.ReadParquet(name, file, as)
}

// writeItems writes items to a file, which is there whole or not at all.
func writeItems(name string, items []eval.Item, write func(io.Writer, []eval.Item) error) error {
	f, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("write the dataset: %w", err)
	}
	err = write(f, items)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		_ = os.Remove(name)
		return fmt.Errorf("write the dataset: %w", err)
	}
	return nil
}
