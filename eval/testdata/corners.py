"""Makes a corpus of corner cases and what the reference implementations say of each of its segments.

    python3 -m venv venv && venv/bin/pip install sacrebleu==2.6.0 rouge-score==0.1.2
    venv/bin/python eval/testdata/corners.py

It writes corners.json beside this file. Segments are put together, from a fixed seed, of texts that implementations differ on.
"""
import json, pathlib, random

from rouge_score import rouge_scorer
from sacrebleu.metrics import BLEU, CHRF, TER

ATOMS = {
    "empty": ["", " ", "   ", "\t", "\n", "\r\n", "\u00a0", "\u2003", "\u3000", "\x1c", "\x1d\x1e\x1f", "\x85", "\u200b", "\ufeff"],
    "space": ["a\u00a0b", "a\u2003b c", "a\u3000b", "a\x1cb", "a\x1fb", "a\x85b", "a\u2028b", "a\u200bb", "a\tb\nc", " lead", "trail ", "two  blanks", "a\rb", "a\u180eb", "a\u1680b"],
    "cjk": ["我爱北京天安门。", "東京タワーへ行きました", "한국어 문장 입니다.", "ｆｕｌｌ　ｗｉｄｔｈ１２３", "中文English混合123", "𠀀𠀁 plane two", "「引用」、《书名》", "々〆〇〻", "ｶﾀｶﾅ", "㈱①②", "、。！？", "a。b", "九龙—尖沙咀"],
    "emoji": ["👩‍👩‍👧", "👍🏽 👍", "🇩🇪🇫🇷", "e\u0301 é", "\u0301 alone", "a\ufe0f", "1️⃣ 2️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "☺︎ ☺️", "¯\\_(ツ)_/¯"],
    "13a": ["1,000.50", "a.b", "a. b", "3.", ".3", "7,", ",7", "1-2", "1 - 2", "a-b", "4-", "-4", "U.S.A.", "e.g.,", "...", ". . .", "x.5", "5.x", "1.2.3", "10,000,000", "$5.00", "50%", "it's", "'tis", "o'", "rock'n'roll", "a/b", "a//b", "@user", "#tag", "~x~", "^2", "`q`", "{a}", "[b]", "|c|", "\\d", "a_b", "<b>", "<skipped>", "a<skipped>b", "hyphen-\nated", "line-\n", "a\nb", "!?!?", "(x)", "\"q\"", "a;b:c", "*b*", "+1", "=", "x=y", "&", "a & b", "--", "—", "–5", "€5", "5€", "£3.50", "½", "²", "٣٤٥", "५.५", "１．５", "12:30", "http://x.y/z?a=b&c=d#e", "me@x.org"],
    "entity": ["&quot;", "&amp;", "&lt;b&gt;", "&amp;lt;", "&amp;amp;quot;", "&quot", "&AMP;", "&#39;", "&apos;", "&nbsp;", "a&amp;b", "&&amp;&"],
    "case": ["İstanbul", "ISTANBUL ıi", "ΟΔΟΣ ΣΊΣΥΦΟΣ", "ΑΣ.", "Straße STRASSE", "ǅungla", "ﬁ ﬂ", "ẞ", "K Å", "МОСКВА Москва"],
    "stem": ["flies dying skies", "relational conditional", "generously hopping falling", "ties lies dies", "news innings proceed succeed", "happy happily", "abilities able", "rationalli fulli", "a ab abc abcd", "cafés naïve", "running runs ran runner", "sses ies ss s", "feed agreed plastered"],
    "repeat": ["a " * 40, "the cat " * 30, "ab" * 60, "x" * 300, "to be or not " * 12, "…" * 30, "!" * 50, "我" * 80, "1 " * 33],
    "lines": ["one two\nthree four", "three four\none two", "a\n\nb\n", "\n\n", "a b c\na b c\na b c", "x.\ny.\nz.", "first\r\nsecond"],
    "plain": ["the cat sat on the mat", "on the mat sat the cat", "The quick brown fox jumps over the lazy dog.", "it is what it is", "Paris", "no", "answer: 42"],
}
KINDS = list(ATOMS)
rng = random.Random(20261125)


def atom(kind=None):
    return rng.choice(ATOMS[kind or rng.choice(KINDS)])


def phrase():
    return rng.choice([" ", " ", "", "\n", ", "]).join(atom() for _ in range(rng.randint(1, 4)))


def change(text):
    words = text.split(" ")
    for _ in range(rng.randint(1, 3)):
        i = rng.randrange(len(words) + 1)
        kind = rng.randrange(5)
        if kind == 0:
            words.insert(i, atom())
        elif kind == 1 and i < len(words):
            words.pop(i)
        elif kind == 2 and i < len(words):
            words[i] = words[i].upper()
        elif kind == 3 and len(words) > 1:
            a, b = rng.randrange(len(words)), rng.randrange(len(words))
            words[a], words[b] = words[b], words[a]
        else:
            words = words[i:] + words[:i]
    return " ".join(words)


def segments():
    out = []
    for kind in KINDS:
        for text in ATOMS[kind]:
            out.append((text, [text if rng.random() < 0.3 else change(text)]))
    for _ in range(120):
        ref = phrase()
        refs = [ref] + [rng.choice([change(ref), phrase(), ""]) for _ in range(rng.choice([0, 0, 1, 2]))]
        out.append((rng.choice([change(ref), change(ref), phrase(), ref]), refs))
    return out


def main():
    toks = ["13a", "intl", "zh", "char", "none"]
    bleu = {(t, low): BLEU(tokenize=t, lowercase=low, effective_order=True) for t in toks for low in (False, True)}
    chrf = [CHRF(), CHRF(word_order=2), CHRF(word_order=2, lowercase=True, whitespace=True)]
    ter = [TER(), TER(normalized=True, no_punct=True, asian_support=True, case_sensitive=True)]
    types = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
    rouge = [rouge_scorer.RougeScorer(types, use_stemmer=stem) for stem in (False, True)]
    out = []
    for n, (hyp, refs) in enumerate(segments()):
        low = n % 2 == 1
        out.append({
            "hyp": hyp, "refs": refs, "lowercase": low,
            "bleu": [bleu[t, low].sentence_score(hyp, refs).score for t in toks],
            "chrf": [m.sentence_score(hyp, refs).score for m in chrf],
            "ter": [m.sentence_score(hyp, refs).score for m in ter],
            "rouge": [[getattr(r.score(refs[0], hyp)[t], f) for t in types for f in ("precision", "recall", "fmeasure")] for r in rouge],
        })
    text = json.dumps({"tokenizers": toks, "rouge": types, "segments": out}, ensure_ascii=True, separators=(",", ":"))
    pathlib.Path(__file__).with_name("corners.json").write_text(text.replace("},{", "},\n{") + "\n")


main()
