package wordpiece

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func settings(t *testing.T) map[string]any {
	t.Helper()
	text, err := os.ReadFile("testdata/tokenizer.json")
	if err != nil {
		t.Fatal(err)
	}
	var f map[string]any
	if err := json.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

func tokenizer(t *testing.T, f map[string]any) *Tokenizer {
	t.Helper()
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	k, err := Read(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// reference.json is what Hugging Face's tokenizers 0.22.1 gives for the same tokenizer.json with each of these normalizers.
func TestReference(t *testing.T) {
	text, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Texts    []string
		Variants []struct {
			Normalizer map[string]any
			IDs        [][]uint32
		}
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, v := range want.Variants {
		f := settings(t)
		f["normalizer"] = v.Normalizer
		k := tokenizer(t, f)
		names[k.Name()] = true
		for i, text := range want.Texts {
			if diff := cmp.Diff(v.IDs[i], k.IDs(text, 512)); diff != "" {
				t.Errorf("%v: %q (-want +got):\n%s", v.Normalizer, text, diff)
			}
		}
	}
	if len(want.Variants) < 6 || len(names) != len(want.Variants) {
		t.Errorf("%d variants have %d names", len(want.Variants), len(names))
	}
}

func TestIDsAreCutToALength(t *testing.T) {
	k := tokenizer(t, settings(t))
	long := strings.Repeat("the fox. ", 1<<20)
	whole := k.IDs("the fox. the fox.", 512)
	begun := time.Now()
	for most := k.Around(); most < len(whole); most++ {
		want := append(append([]uint32{}, whole[:most-1]...), whole[len(whole)-1])
		if diff := cmp.Diff(want, k.IDs(long, most)); diff != "" {
			t.Errorf("at most %d (-want +got):\n%s", most, diff)
		}
	}
	if took := time.Since(begun); took > time.Minute {
		t.Errorf("the beginning of a long text took %v", took)
	}
	if k.Size() != 38 || k.Around() != 2 {
		t.Errorf("size %d, around %d", k.Size(), k.Around())
	}
}

func TestPiecesSumToTheCount(t *testing.T) {
	k := tokenizer(t, settings(t))
	words := rapid.SampledFrom([]string{"the", "fox", " ", "\n", "\n\n  ", "unaffable", "jumping", "日", "e\u0301", "zzzzzzzzzzzz", "≠", "[SEP]", "\u200b", "\x00", "!", "\xff", strings.Repeat("a", 101), strings.Repeat(" ", 200), "한"})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOf(words).Draw(t, "words"), "")
		end, sum := 0, 0
		for e, n := range k.Pieces(text) {
			if e <= end || e > len(text) || n < 0 || n > e-end {
				t.Fatalf("a piece from %d ends at %d of %d and has %d tokens", end, e, len(text), n)
			}
			end, sum = e, sum+n
		}
		if end != len(text) {
			t.Fatalf("the pieces end at %d of %d", end, len(text))
		}
		if got := k.Count(text); got != sum {
			t.Fatalf("Count is %d, the pieces have %d", got, sum)
		}
		if ids := len(k.IDs(text, 1<<20)) - k.Around(); sum < ids {
			t.Fatalf("Count is %d, the model reads %d", sum, ids)
		}
	})
	for text, want := range map[string]int{
		"": 0, "  ": 0, "the fox jumps": 4, "unaffable!": 4, "the [SEP] fox": 3, "zzzz": 1, "zzzzzzzz": 2, strings.Repeat(" ", 128): 2,
	} {
		if got := k.Count(text); got != want {
			t.Errorf("Count of %.20q is %d, want %d", text, got, want)
		}
	}
}

// Text that a model makes little of is not much longer than other text of as many tokens, and takes no longer.
func TestNoTextIsLongForItsTokens(t *testing.T) {
	k := tokenizer(t, settings(t))
	begun := time.Now()
	for name, of := range map[string]string{"spaces": " ", "no width": "\u200b", "accents": "\u0301", "one word": "z", "known letters": "a", "controls": "\x01", "lines": "\n"} {
		text := strings.Repeat(of, 1<<20/len(of))
		if n := k.Count(text); n < len(text)/(4*emptyChars) {
			t.Errorf("%s: %d bytes count as %d tokens", name, len(text), n)
		}
		k.IDs(text, 256)
	}
	if took := time.Since(begun); took > 30*time.Second {
		t.Errorf("seven megabytes took %v", took)
	}
}

func TestOthersAreRefused(t *testing.T) {
	for want, change := range map[string]func(f map[string]any){
		`its model is "Unigram"`: func(f map[string]any) { f["model"].(map[string]any)["type"] = "Unigram" },
		`"Precompiled" and "BertPreTokenizer"`: func(f map[string]any) {
			f["normalizer"].(map[string]any)["type"] = "Precompiled"
		},
		"does not have unk_token": func(f map[string]any) { f["model"].(map[string]any)["unk_token"] = "[NONE]" },
		`ends texts by "ByteLevel"`: func(f map[string]any) {
			f["post_processor"].(map[string]any)["type"] = "ByteLevel"
		},
		"not among its special_tokens": func(f map[string]any) {
			f["post_processor"].(map[string]any)["special_tokens"] = map[string]any{}
		},
	} {
		f := settings(t)
		change(f)
		text, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Read(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if _, err := Read([]byte("{")); err == nil {
		t.Error("broken JSON is taken")
	}
	f := settings(t)
	f["post_processor"] = map[string]any{"type": "BertProcessing", "cls": []any{"[CLS]", 2}, "sep": []any{"[SEP]", 3}}
	if diff := cmp.Diff(tokenizer(t, settings(t)).IDs("fox", 9), tokenizer(t, f).IDs("fox", 9)); diff != "" {
		t.Errorf("BertProcessing (-template +it):\n%s", diff)
	}
}

func FuzzIDs(f *testing.F) {
	f.Add("the fox jumps\n\u0301 日本 [SEP] \xff")
	text, err := os.ReadFile("testdata/tokenizer.json")
	if err != nil {
		f.Fatal(err)
	}
	k, err := Read(text)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ids := k.IDs(text, 64)
		if len(ids) < 2 || len(ids) > 64 || ids[0] != 2 || ids[len(ids)-1] != 3 {
			t.Errorf("%v", ids)
		}
		for _, id := range ids {
			if int(id) >= k.Size() {
				t.Errorf("the id %d of %d", id, k.Size())
			}
		}
	})
}
