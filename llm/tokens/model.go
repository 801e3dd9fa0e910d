package tokens

import "strings"

// For returns the encoding model counts by. An unknown model gives O200k and false: the count is an estimate.
//
// What stands around the name is taken away first: openai/gpt-4o, azure/eu/gpt-4o, openai.gpt-oss-120b-1:0,
// ft:gpt-4o-mini-2024-07-18:acme::id and gpt-4o@2024-08-06 are the families their names say, in any case.
func For(model string) (enc Encoding, known bool) {
	name := bareName(model)
	for _, f := range families {
		if rest, ok := strings.CutPrefix(name, f.name); ok && (rest == "" || strings.IndexByte(f.then, rest[0]) >= 0) {
			return f.enc, true
		}
	}
	return O200k, false
}

// A family is followed by nothing, or by one of the characters of then.
type family struct {
	name, then string
	enc        Encoding
}

// GPT-4 takes no point after its name: 4.1 and 4.5 are another family.
var families = []family{
	{"gpt-4o", "-", O200k},
	{"gpt-4.1", "-", O200k},
	{"gpt-4.5", "-", O200k},
	{"gpt-5", "-.", O200k},
	{"gpt-6", "-.", O200k},
	{"o1", "-", O200k},
	{"o3", "-", O200k},
	{"o4", "-", O200k},
	{"gpt-oss", "-", O200k},
	{"chatgpt-4o", "-", O200k},
	{"chat-latest", "", O200k},
	{"codex-mini", "-", O200k},
	{"computer-use-preview", "-", O200k},
	{"gpt-audio", "-", O200k},
	{"gpt-realtime", "-", O200k},
	{"gpt-4", "-", CL100k},
	{"gpt-3.5", "-", CL100k},
	{"gpt-35", "-", CL100k}, // as Azure writes it
	{"text-embedding-3", "-", CL100k},
	{"text-embedding-ada-002", "-", CL100k},
	{"davinci-002", "", CL100k},
	{"babbage-002", "", CL100k},
}

// bareName takes provider, fine-tuning marks and version marks off a model name, and lowers its case.
func bareName(model string) string {
	name := strings.ToLower(strings.TrimSpace(model))
	// The name of a fine-tuning job may hold anything, slashes too.
	if tuned, ok := cutAfter(name, "ft:"); ok {
		name, _, _ = strings.Cut(tuned, ":")
	}
	name = name[strings.LastIndexByte(name, '/')+1:]
	name = strings.TrimPrefix(name, "openai.")
	if i := strings.IndexAny(name, ":@"); i >= 0 {
		name = name[:i]
	}
	return name
}

// cutAfter returns what follows mark when mark opens name or a path element of it.
func cutAfter(name, mark string) (string, bool) {
	if rest, ok := strings.CutPrefix(name, mark); ok {
		return rest, true
	}
	_, rest, ok := strings.Cut(name, "/"+mark)
	return rest, ok
}
