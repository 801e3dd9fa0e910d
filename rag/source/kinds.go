package source

import "github.com/weir-dev/weir/rag"

// form is how the bytes of a file become text.
type form int

const (
	asText form = iota
	asHTML
	asTable
	asLines // of JSON, a document each
	asPDF
)

// kind is what a file's suffix says.
type kind struct {
	form
	kind  rag.Kind
	comma rune // of a table
}

// kinds by suffix. A file of any other one is text, when it is.
var kinds = func() map[string]kind {
	all := map[string]kind{
		".html": {form: asHTML}, ".htm": {form: asHTML}, ".xhtml": {form: asHTML},
		".csv": {asTable, rag.Table, ','}, ".tsv": {asTable, rag.Table, '\t'},
		".jsonl": {form: asLines}, ".ndjson": {form: asLines},
		".pdf": {form: asPDF},
	}
	for _, suffix := range []string{".md", ".markdown", ".mdx", ".mkd"} {
		all[suffix] = kind{kind: rag.Markdown}
	}
	for _, suffix := range []string{
		".go", ".py", ".pyi", ".js", ".mjs", ".cjs", ".ts", ".tsx", ".jsx", ".java", ".kt", ".kts", ".scala", ".groovy", ".rs", ".c", ".h", ".cc", ".cpp", ".cxx", ".hpp",
		".cs", ".fs", ".m", ".mm", ".swift", ".rb", ".php", ".pl", ".pm", ".lua", ".r", ".jl", ".dart", ".ex", ".exs", ".erl", ".hs", ".ml", ".clj", ".lisp", ".el",
		".sh", ".bash", ".zsh", ".fish", ".ps1", ".sql", ".yaml", ".yml", ".toml", ".ini", ".json", ".proto", ".graphql", ".tf", ".css", ".scss", ".vue", ".svelte", ".zig",
	} {
		all[suffix] = kind{kind: rag.Code}
	}
	return all
}()
