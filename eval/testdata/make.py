"""Makes the expected values of eval's metrics from the reference implementations.

    python3 -m venv venv && venv/bin/pip install sacrebleu==2.6.0 rouge-score==0.1.2
    venv/bin/python eval/testdata/make.py

It writes reference.json beside this file: our own inputs, and what sacreBLEU and rouge_score say of them.
"""
import itertools, json, pathlib, random

from rouge_score import rouge_scorer
from sacrebleu.metrics import BLEU, CHRF, TER

LINES = [
    "The weir holds back the river.",
    "Every call passes over it, is measured, and is held back when its budget is spent.",
    "It costs $1,000.50 (incl. tax) - or 3-4 % more.",
    "&quot;Fish &amp; chips&quot; &amp;lt; &lt;b&gt; <skipped>bold</skipped>",
    "don't stop; it's John's, isn't it? \"Yes!\"",
    "1.5 2,5 a.b 3.x x.3 ,7 7, .5 5. -4 4- 4-5 a-b",
    "naïve café — “quoted” … €5 ™ → ½ ²",
    "İstanbul ΣΊΣΥΦΟΣ ΟΔΟΣ. ΑΣ' Straße DŽungla",
    "我爱北京天安门。这是一个测试！",
    "東京タワーへ行きました、とても高い。",
    "русский текст, ещё один пример.",
    "emoji 👩‍👩‍👧 👍🏽 🇩🇪 done",
    "tabs\tand\u00a0no-break\u2003em\u3000wide\x1cfs\x1fus\x85nel",
    "",
    " ",
    "a",
    "a a a a a a a a",
    "the cat the cat on the mat",
    "the cat sat on the mat",
    "on the mat sat the cat",
    "flies dying skies news relational conditional rationalli generously hopping falling",
    "first line of a text\nsecond line of it\n\nfourth line",
    "second line of it\nfirst line of the text\nanother line",
    "A man, a plan, a canal: Panama!!! ... (see http://x.y/z?a=b&c=d#e)",
    "100% of 2nd-hand C++ code_with_underscores {and} [brackets] ~tilde^ `tick` |bar| \\back",
]
rng = random.Random(20261125)


def mix():
    words = rng.choice(LINES).split(" ") + rng.choice(LINES).split(" ")
    rng.shuffle(words)
    return " ".join(words[: rng.randint(1, 14)])


def near(line):
    words = line.split(" ")
    for _ in range(rng.randint(0, 3)):
        i = rng.randrange(len(words) + 1)
        kind = rng.randrange(4)
        if kind == 0:
            words.insert(i, rng.choice(LINES).split(" ")[0])
        elif kind == 1 and i < len(words):
            words.pop(i)
        elif kind == 2 and i < len(words):
            words[i] = words[i].upper()
        else:
            j = rng.randrange(len(words) + 1)
            words = words[i:j] + words[:i] + words[j:] if i < j else words
    return " ".join(words)


def corpora():
    out = []
    for n in range(14):
        size = rng.choice([1, 2, 5, 9])
        refs = [[rng.choice(LINES) if rng.random() < 0.6 else mix() for _ in range(size)]]
        hyps = [near(r) if rng.random() < 0.8 else mix() for r in refs[0]]
        for _ in range(n % 3):
            refs.append([near(r) if rng.random() < 0.8 else None for r in refs[0]])
        out.append({"hyps": hyps, "refs": refs})
    for line in LINES:
        out.append({"hyps": [line], "refs": [[near(line)]]})
    return out


def main():
    data = {"corpora": corpora(), "bleu": [], "chrf": [], "ter": [], "rouge": []}
    for i, c in enumerate(data["corpora"]):
        for tok, smooth in itertools.product(["13a", "intl", "zh", "char", "none"], [("exp", None), ("floor", None), ("floor", 0.3), ("add-k", None), ("add-k", 0.5), ("none", None)]):
            lower, eff, order = rng.random() < 0.4, rng.random() < 0.5, rng.choice([1, 2, 4, 4, 4, 6])
            m = BLEU(tokenize=tok, smooth_method=smooth[0], smooth_value=smooth[1], lowercase=lower, effective_order=eff, max_ngram_order=order)
            s = m.corpus_score(c["hyps"], c["refs"])
            data["bleu"].append({"corpus": i, "tokenize": tok, "smooth": smooth[0], "value": smooth[1], "lowercase": lower, "effective": eff, "order": order,
                                 "score": s.score, "bp": s.bp, "precisions": s.precisions, "sys": s.sys_len, "ref": s.ref_len})
        for co, wo, beta, ws, eps in [(6, 0, 2, False, False), (6, 2, 2, False, False), (6, 2, 2, False, True), (4, 1, 3, True, False), (6, 0, 1, True, True)]:
            lower = rng.random() < 0.4
            m = CHRF(char_order=co, word_order=wo, beta=beta, whitespace=ws, eps_smoothing=eps, lowercase=lower)
            data["chrf"].append({"corpus": i, "char_order": co, "word_order": wo, "beta": beta, "whitespace": ws, "eps": eps, "lowercase": lower,
                                 "score": m.corpus_score(c["hyps"], c["refs"]).score})
        for norm, punct, asian in itertools.product([False, True], [False, True], [False, True]):
            case = rng.random() < 0.4
            m = TER(normalized=norm, no_punct=punct, asian_support=asian, case_sensitive=case)
            s = m.corpus_score(c["hyps"], c["refs"])
            data["ter"].append({"corpus": i, "normalized": norm, "no_punct": punct, "asian": asian, "case_sensitive": case,
                                "score": s.score, "edits": s.num_edits, "ref": s.ref_length})
        types = ["rouge1", "rouge2", "rouge3", "rouge9", "rougeL", "rougeLsum"]
        for stem in (False, True):
            scorer = rouge_scorer.RougeScorer(types, use_stemmer=stem)
            for h, r in zip(c["hyps"], c["refs"][0]):
                s = scorer.score(r, h)
                data["rouge"].append({"hyp": h, "ref": r, "stem": stem, "scores": {t: [s[t].precision, s[t].recall, s[t].fmeasure] for t in types}})
    path = pathlib.Path(__file__).with_name("reference.json")
    path.write_text(json.dumps(data, ensure_ascii=True, separators=(",", ":")).replace("},{", "},\n{") + "\n")


main()
