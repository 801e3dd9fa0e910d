package simulator

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
	"sync"
)

//go:embed corpus/*.txt
var corpusFiles embed.FS

// topic is one subject the simulator can talk about. Its texts have places for the prompt's own words: {a} and {b} are
// phrases, {A} and {B} identifiers made of the first, {n} a number, {id} a ticket, {day} a weekday.
type topic struct {
	name   string
	keys   map[string]bool // stems that make a prompt belong here
	open   []string
	say    []sentence
	blocks []string
	close  []string
}

// sentence is a statement with its stems, by which a fitting one is found.
type sentence struct {
	text  string
	stems map[string]bool
}

// topics reads the embedded corpus once.
var topics = sync.OnceValue(func() []topic {
	names, err := fs.Glob(corpusFiles, "corpus/*.txt")
	if err != nil {
		panic(err)
	}
	var all []topic
	for _, name := range names {
		text, err := corpusFiles.ReadFile(name)
		if err != nil {
			panic(err)
		}
		t, err := parseTopic(strings.TrimSuffix(strings.TrimPrefix(name, "corpus/"), ".txt"), string(text))
		if err != nil {
			panic(err)
		}
		all = append(all, t)
	}
	return all
})

// parseTopic reads one file of the corpus: lines "keys: …", "open: …", "say: …", "close: …", and blocks from a line
// "block:" to a line "end".
func parseTopic(name, text string) (topic, error) {
	t := topic{name: name, keys: map[string]bool{}}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		word, rest, ok := strings.Cut(lines[i], ":")
		if !ok {
			return t, fmt.Errorf("corpus %s line %d: %q has no word before a colon", name, i+1, lines[i])
		}
		rest = strings.TrimSpace(rest)
		switch word {
		case "keys":
			for _, k := range words(rest) {
				t.keys[stem(k)] = true
			}
		case "open":
			t.open = append(t.open, rest)
		case "say":
			t.say = append(t.say, sentence{rest, stemsOf(rest)})
		case "close":
			t.close = append(t.close, rest)
		case "block":
			var block []string
			for i++; i < len(lines) && lines[i] != "end"; i++ {
				block = append(block, lines[i])
			}
			t.blocks = append(t.blocks, strings.Join(block, "\n"))
		default:
			return t, fmt.Errorf("corpus %s line %d: unknown word %q", name, i+1, word)
		}
	}
	return t, nil
}

// topicOf picks the topic whose keys the texts mention most; the newest text counts twice. Without any it is "general".
func topicOf(newest, rest string) topic {
	first, second := stemsOf(newest), stemsOf(rest)
	all := topics()
	best, top := all[0], -1
	for _, t := range all {
		n := 2*overlap(t.keys, first) + overlap(t.keys, second)
		if t.name == "general" {
			n = min(n, 2)
		}
		if n > top || n == top && t.name == "general" {
			best, top = t, n
		}
	}
	return best
}
