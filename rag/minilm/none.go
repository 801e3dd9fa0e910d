//go:build !hugot

package minilm

import "github.com/weir-dev/weir/rag"

// Built says whether local models are built in.
const Built = false

// Load is ErrNotBuilt.
func Load(string, *Folder) (rag.Embedder, error) { return nil, ErrNotBuilt }
