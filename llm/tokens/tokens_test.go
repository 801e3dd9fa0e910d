package tokens

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pkoukk/tiktoken-go"
	loader "github.com/pkoukk/tiktoken-go-loader"
)

var encodings = []Encoding{O200k, CL100k}

// references are the regular-expression counters the results are held against. Their loader is global to the process.
var references = sync.OnceValue(func() map[Encoding]*tiktoken.Tiktoken {
	tiktoken.SetBpeLoader(loader.NewOfflineLoader())
	refs := map[Encoding]*tiktoken.Tiktoken{}
	for _, enc := range encodings {
		ref, err := tiktoken.GetEncoding(string(enc))
		if err != nil {
			panic(err)
		}
		refs[enc] = ref
	}
	return refs
})

// checkReference compares ids, which also shows a text cut at the wrong place into the right number of tokens.
func checkReference(t *testing.T, text string) {
	t.Helper()
	for _, enc := range encodings {
		want := references()[enc].EncodeOrdinary(text)
		if got := CountString(enc, text); got != len(want) {
			t.Errorf("Count(%s, %.300q) = %d, want %d", enc, text, got, len(want))
		}
		if got := encode(enc, text); !slices.Equal(got, want) {
			t.Errorf("%s: ids of %.300q = %v, want %v", enc, text, got, want)
		}
	}
}

// encode gives the ids of the tokens that Count counts.
func encode(enc Encoding, text string) []int {
	v := load(enc)
	s := new(scratch)
	valid := appendValid(nil, []byte(text))
	ids := []int{}
	for i := 0; i < len(valid); {
		end := v.next(valid, i)
		piece := valid[i:end]
		s.merge(v, piece)
		for j := 0; j < len(piece); j = int(s.next[j]) {
			ids = append(ids, int(v.lookup(piece[j:s.next[j]])))
		}
		i = end
	}
	return ids
}

// scripts has a sentence in each of many scripts, and what else is odd in text.
var scripts = map[string]string{
	"Latin":       "The quick brown fox jumps over the lazy dog; naïve café, Übergröße, œuvre, İstanbul, ǅungla.",
	"Greek":       "Η γρήγορη καφέ αλεπού πηδάει πάνω από το τεμπέλικο σκυλί. Ὀδυσσεύς ᾳ",
	"Cyrillic":    "Съешь же ещё этих мягких французских булок, да выпей чаю. Її ґанок",
	"Armenian":    "Բոլոր մարդիկ ծնվում են ազատ ու հավասար",
	"Hebrew":      "כל בני האדם נולדו בני חורין ושווים בערכם וּבִזְכֻיּוֹתֵיהֶם",
	"Arabic":      "يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق، ١٢٣٤٥ مُحَمَّد",
	"Devanagari":  "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता १२३४",
	"Bengali":     "সমস্ত মানুষ স্বাধীনভাবে সমান মর্যাদা এবং অধিকার নিয়ে জন্মগ্রহণ করে",
	"Tamil":       "மனிதப் பிறிவியினர் சகலரும் சுதந்திரமாகவே பிறக்கின்றனர்",
	"Telugu":      "ప్రతిపత్తిస్వత్వముల విషయమున మానవులెల్లరును జన్మతః స్వతంత్రులును",
	"Malayalam":   "മനുഷ്യരെല്ലാവരും തുല്യാവകാശങ്ങളോടും അന്തസ്സോടും",
	"Sinhala":     "සියලු මනුෂ්‍යයෝ නිදහස්ව උපත ලබා ඇත",
	"Thai":        "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ",
	"Lao":         "ມະນຸດທຸກຄົນເກີດມາມີສິດເສລີພາບ",
	"Khmer":       "មនុស្សទាំងអស់កើតមកមានសេរីភាពនិងសមភាព",
	"Burmese":     "လူတိုင်းသည် တူညီ လွတ်လပ်သော ဂုဏ်သိက္ခာဖြင့်",
	"Georgian":    "ყველა ადამიანი იბადება თავისუფალი ᲧᲕᲔᲚᲐ",
	"Ethiopic":    "የሰው ልጅ ሁሉ ሲወለድ ነጻና በክብርና በመብትም እኩልነት ያለው ነው።",
	"Han":         "人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心,并应以兄弟关系的精神相对待。𠀀𠮷",
	"Kana":        "すべての人間は、生まれながらにして自由であり、カタカナー・ﾊﾝｶｸ",
	"Hangul":      "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. ㅋㅋㅋ",
	"Mongolian":   "ᠬᠦᠮᠦᠨ ᠪᠦᠷ ᠲᠥᠷᠥᠵᠦ",
	"Cherokee":    "ᎾᏍᎩ ꭰꮒᏴᏫ",
	"Deseret":     "𐐔𐐯𐑅𐐨𐑉𐐯𐐻 𐐼𐐯𐑅",
	"maths":       "∑ᵢ xᵢ² ≤ ∞, ½ ⅓ Ⅷ ⅷ 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟙𝟚𝟛𝟜 ①②③④ x²y³",
	"emoji":       "👩‍👩‍👧‍👦 👍🏽 🏳️‍🌈 🇩🇪🇫🇷 1️⃣ ❤️‍🔥 🫠🧑🏿‍🚀 ©️™️ 😀😀😀😀",
	"marks":       "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!͖̬̰̙̗̿̋ͥͥ̂ͣ̐́́͜͞ \u0301ABC \u0301abc a\u0301B",
	"case":        "HTTPServer iPhone McDONALD's XMLHttpRequest ABCdefGHI AbCdE aʰB ʰʰABC ʰʰA中AAA中A ABC中DEF ǅǅa ªº",
	"contraction": "I'm you're they've we'll he'd it's don't I'M YOU'RE THEY'VE WE'LL HE'D IT'S DON'T it'ſ 'ſ IT'ſx 's't're 'lL 'Ve ''s 'x l'été 'r 'l ' o'clock rock'n'roll 'll'll",
	"numbers":     "1 12 123 1234 12345 1,234,567.89 3.14159 0x1F 1e-9 2026-11-23T10:30:00Z ١٢٣٤ ½½½½ 1a2b3c",
	"white space": "a b  c   d    e\tf\t\tg \n h\n\ni\n \nj\r\nk\r\n\r\n  l \u00a0m\u3000n\u2028o\u2003\u2003p \u0085 q\v\f r   ",
	"blank lines": "x\n \n\n   \n\t\n  y\n\n\n\n   z  \n",
	"punctuation": "!!! ??? ... -- --- ==== //// a//b\r\n/c ://\n/\n// {\"a\":[1,2,{}]} <|endoftext|> <|im_start|> @#$%^&*()_+ “”‘’«»…—",
	"code":        "func main() {\n\tfor i := 0; i < 10; i++ {\n\t\tfmt.Println(\"hello, 世界\", i) // x\n\t}\n}\n\n\n\tif (a&&b||!c) { return -1; }\n",
	"markup":      "<div class=\"a b\">\n  <p>Hello&nbsp;World</p>\n</div>\n# Title\n- [x] item **bold** `code`\n| a | b |\n|---|---|",
	"invalid":     "\xff\xfe abc \xe2\x82 \xf0\x9f\x98 \xc0\x80 \xed\xa0\x80 x\x80y",
	"controls":    "\x00\x01\x1f\x7f\u200b\u200d\ufeff\u00ad\ufffd",
	"base64":      "aGVsbG8gd29ybGQsIHRoaXMgaXMgYSBiYXNlNjQgc3RyaW5nIHdpdGggc29tZSBsZW5ndGgrLz09",
	"far planes":  "𠀀𪛖𫝀 \U000e0061\U000e007f \U000f0000\U0010ffff \U0001e900\U0001e922",
}

func TestScriptsAgreeWithReference(t *testing.T) {
	for name, text := range scripts {
		t.Run(name, func(t *testing.T) {
			checkReference(t, text)
			for i := range text { // every suffix starts a piece at another place
				checkReference(t, text[i:])
			}
		})
	}
	checkReference(t, "")
}

func TestMixesAgreeWithReference(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var parts []string
	for _, text := range scripts {
		parts = append(parts, text)
	}
	slices.Sort(parts)
	for range 800 {
		checkReference(t, mix(random, parts, 200))
	}
}

// mix joins random cuttings of parts, bytes rather than characters, up to about size bytes.
func mix(random *rand.Rand, parts []string, size int) string {
	var b strings.Builder
	for b.Len() < size {
		part := parts[random.IntN(len(parts))]
		from := random.IntN(len(part))
		b.WriteString(part[from:min(len(part), from+1+random.IntN(12))])
	}
	return b.String()
}

// Random characters of every plane, so that each entry of the class table has its turn.
func TestCharactersAgreeWithReference(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	glue := []rune{' ', '\n', '\r', '/', '\'', 's', 'S', 'a', 'A', '1', '.', 'ʰ', '中', '\u0301'}
	for range 1200 {
		var b strings.Builder
		for range 30 {
			switch random.IntN(4) {
			case 0:
				b.WriteRune(rune(random.IntN(0x110000)))
			case 1:
				b.WriteRune(rune(random.IntN(0x3000)))
			default:
				b.WriteRune(glue[random.IntN(len(glue))])
			}
		}
		checkReference(t, b.String())
	}
}

func FuzzCount(f *testing.F) {
	for _, text := range scripts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 2000 {
			t.Skip("the reference is quadratic")
		}
		checkReference(t, text)
	})
}

// Known counts, so that a fault shared with the reference would show.
func TestKnownCounts(t *testing.T) {
	tests := []struct {
		enc  Encoding
		text string
		want int
	}{
		{CL100k, "tiktoken is great!", 6},
		{O200k, "tiktoken is great!", 6},
		{CL100k, "hello world", 2},
		{O200k, "hello world", 2},
		{CL100k, "antidisestablishmentarianism", 6},
		{CL100k, "2 + 2 = 4", 7},
		{CL100k, "お誕生日おめでとう", 9},
		{O200k, "お誕生日おめでとう", 8},
		{O200k, "<|endoftext|>", 7},
		{"", "hello world", 2},
	}
	for _, tt := range tests {
		if got := Count(tt.enc, []byte(tt.text)); got != tt.want {
			t.Errorf("Count(%s, %q) = %d, want %d", tt.enc, tt.text, got, tt.want)
		}
	}
}

// The joining of windows rests on every token being the encoding of its own bytes.
func TestTokensEncodeThemselves(t *testing.T) {
	for _, enc := range encodings {
		v := load(enc)
		s := new(scratch)
		for rank := range len(v.start) - 1 {
			token := v.blob[v.start[rank]:v.start[rank+1]]
			if got := v.lookup(token); got != uint32(rank) {
				t.Fatalf("%s: lookup(%q) = %d, want %d", enc, token, got, rank)
			}
			if s.merge(v, token); int(s.next[0]) != len(token) {
				t.Errorf("%s: token %d %q is not the encoding of its bytes", enc, rank, token)
			}
		}
	}
}

func TestVocabularyAgreesWithLoader(t *testing.T) {
	for _, enc := range encodings {
		want, err := loader.NewOfflineLoader().LoadTiktokenBpe(string(enc) + ".tiktoken")
		if err != nil {
			t.Fatal(err)
		}
		v := load(enc)
		if got := len(v.start) - 1; got != len(want) {
			t.Errorf("%s: %d tokens, want %d", enc, got, len(want))
		}
		for token, rank := range want {
			if got := v.lookup([]byte(token)); got != uint32(rank) {
				t.Fatalf("%s: lookup(%q) = %d, want %d", enc, token, got, rank)
			}
		}
		if got := v.lookup([]byte("no such token ☃☃")); got != none {
			t.Errorf("%s: lookup of what is no token = %d, want none", enc, got)
		}
	}
}

func TestBrokenVocabularyIsRefused(t *testing.T) {
	for _, file := range []string{"YQ==\n", "YQ== 1\n", "YQ== 0\nYg== 0\n", "!!! 0\n", "YQ== x\n"} {
		if _, err := parse([]byte(file)); err == nil {
			t.Errorf("parse(%q) succeeded, want an error", file)
		}
	}
}

// longPieces are texts that the encodings do not cut.
func longPieces(size int) map[string][]byte {
	random := rand.New(rand.NewPCG(5, 6))
	letters, han, words := make([]byte, size), []byte{}, []byte{}
	for i := range letters {
		letters[i] = "abcdefghijklmnopqrstuvwxyz"[random.IntN(26)]
	}
	for len(han) < size-3 {
		han = append(han, string(rune(0x4e00+random.IntN(0x5000)))...)
	}
	for len(words) < size-12 {
		words = append(words, []string{"the", "internationalisation", "of", "straw", "berry", "zz", "aaaa"}[random.IntN(7)]...)
	}
	return map[string][]byte{
		"a":       bytes.Repeat([]byte("a"), size),
		"spaces":  bytes.Repeat([]byte(" "), size),
		"dashes":  bytes.Repeat([]byte("-"), size),
		"ab":      bytes.Repeat([]byte("ab"), size/2),
		"letters": letters,
		"words":   words,
		"han":     han,
		"thai":    bytes.Repeat([]byte("มนุษย์ทั้งหลายเกิดมามีอิสระ"), size/81+1),
	}
}

// The three ways to merge a piece agree, whatever the window.
func TestMergesAgree(t *testing.T) {
	for _, enc := range encodings {
		v := load(enc)
		s := new(scratch)
		for name, piece := range longPieces(20_000) {
			s.merge(v, piece)
			want := 0
			for i := 0; i < len(piece); i = int(s.next[i]) {
				want++
			}
			for _, width := range []int{512, 700, 1024, 4096, len(piece) - 1, len(piece), 1 << 20} {
				if got := s.countLong(v, piece, width); got != want {
					t.Errorf("%s %s: %d tokens in windows of %d, want %d", enc, name, got, width, want)
				}
			}
			for size := 2; size < short; size++ {
				for from := range 20 {
					piece := piece[from*37:][:size]
					if got, want := v.countShort(piece), s.countLong(v, piece, window); got != want {
						t.Errorf("%s %s: countShort(%q) = %d, want %d", enc, name, piece, got, want)
					}
				}
			}
		}
	}
}

func TestLongPiecesAgreeWithReference(t *testing.T) {
	for name, piece := range longPieces(1500) {
		t.Run(name, func(t *testing.T) { checkReference(t, string(piece)) })
	}
}

// Ten times the text may take a little over ten times as long; a quadratic merge takes a hundred times.
func TestNoTextIsQuadratic(t *testing.T) {
	if testing.Short() {
		t.Skip("it measures")
	}
	least := func(text []byte) time.Duration {
		best := time.Duration(1 << 62)
		for range 3 {
			begin := time.Now()
			Count(O200k, text)
			best = min(best, time.Since(begin))
		}
		return best
	}
	Warm(O200k)
	small, large := longPieces(100_000), longPieces(1_000_000)
	for name := range small {
		one, ten := least(small[name]), least(large[name])
		if ratio := float64(ten) / float64(one); ratio > 40 {
			t.Errorf("%s: 1 MB takes %v, 100 kB %v: %.0f times as long", name, ten, one, ratio)
		}
	}
}

func TestCountAllocatesNothing(t *testing.T) {
	text := []byte(strings.Repeat(scripts["Latin"]+scripts["Han"]+scripts["emoji"]+scripts["code"], 10))
	for _, enc := range encodings {
		if got := testing.AllocsPerRun(50, func() { Count(enc, text) }); got != 0 {
			t.Errorf("Count(%s) allocates %v times, want 0", enc, got)
		}
		v, s, long := load(enc), new(scratch), longPieces(100_000)["letters"]
		s.countLong(v, long, window)
		if got := testing.AllocsPerRun(3, func() { s.countLong(v, long, window) }); got != 0 {
			t.Errorf("countLong(%s) allocates %v times, want 0", enc, got)
		}
	}
}

func TestCountIsSafeForConcurrentUse(t *testing.T) {
	text := longPieces(5000)["letters"]
	want := Count(O200k, text)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if got := Count(O200k, text); got != want {
					t.Errorf("Count = %d, want %d", got, want)
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkCount(b *testing.B) {
	english := strings.Repeat("The gateway counts the tokens of each request before it is sent, so that no budget is overspent; it's quick. ", 500)
	var mixed strings.Builder
	for mixed.Len() < 50_000 {
		for _, name := range slices.Sorted(func(yield func(string) bool) {
			for name := range scripts {
				if name != "invalid" && !yield(name) {
					return
				}
			}
		}) {
			mixed.WriteString(scripts[name])
			mixed.WriteByte('\n')
		}
	}
	texts := []struct {
		name string
		text string
	}{
		{"english-100B", english[:100]},
		{"english-2KB", english[:2000]},
		{"english-50KB", english[:50_000]},
		{"multilingual-50KB", strings.ToValidUTF8(mixed.String()[:50_000], "")},
		{"a-50KB", strings.Repeat("a", 50_000)},
		{"spaces-50KB", strings.Repeat(" ", 50_000)},
		{"letters-50KB", string(longPieces(50_000)["letters"])},
	}
	for _, enc := range encodings {
		for _, tt := range texts {
			b.Run(fmt.Sprintf("%s/%s", enc, tt.name), func(b *testing.B) {
				Warm(enc)
				b.SetBytes(int64(len(tt.text)))
				b.ReportAllocs()
				for b.Loop() {
					CountString(enc, tt.text)
				}
			})
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	for _, enc := range encodings {
		sum := map[Encoding]string{O200k: o200kSum, CL100k: cl100kSum}[enc]
		b.Run(string(enc), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				mustLoad(enc, sum, nextO200k)
			}
		})
	}
}
