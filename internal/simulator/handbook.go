package simulator

import (
	"embed"
	"io/fs"
	"iter"
	"math/rand/v2"
	"strings"
	"sync"
)

//go:embed handbook
var handbook embed.FS

// Handbook gives the names and texts of the documents of the make-believe company, in Markdown and in the order of their names.
func Handbook() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		names, _ := fs.Glob(handbook, "handbook/*.md") // the pattern is well-formed
		for _, name := range names {
			text, err := handbook.ReadFile(name)
			if err != nil {
				panic(err) // it is part of the program
			}
			if !yield(strings.TrimPrefix(name, "handbook/"), string(text)) {
				return
			}
		}
	}
}

// Shares of the questions that somebody asks of the handbook.
const (
	elsewhereShare = 0.1  // it speaks of something near
	foreignShare   = 0.06 // nothing in it has anything to do with them
)

// HandbookQuestion draws a question to the handbook. Most are answered there, some are not though it speaks of the like, and for a
// few nothing is found.
func HandbookQuestion(r *rand.Rand) string {
	kind, x := "answered", r.Float64()
	switch {
	case x < foreignShare:
		kind = "foreign"
	case x < foreignShare+elsewhereShare:
		kind = "elsewhere"
	}
	list := handbookQuestions()[kind]
	x = r.Float64() // some things are asked more than others
	return list[int(x*x*float64(len(list)))]
}

// handbookQuestions are the questions by their kind.
var handbookQuestions = sync.OnceValue(func() map[string][]string {
	text, err := handbook.ReadFile("handbook/questions.txt")
	if err != nil {
		panic(err) // it is part of the program
	}
	out, kind := map[string][]string{}, ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "# "); ok {
			kind = name
		} else if line != "" {
			out[kind] = append(out[kind], line)
		}
	}
	return out
})
