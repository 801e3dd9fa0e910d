#!/bin/sh
# Compares weir eval score with sacreBLEU and rouge_score on the same texts and machine: what each gives, and segments a second.
# Usage: tools/bench-eval.sh [SEGMENTS]   needs python3 and, once, the package index.
set -eu
n=${1:-20000}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
weir=${WEIR:-bin/weir}
venv=${VENV:-$dir/venv}
if [ ! -x "$venv/bin/python" ]; then
	python3 -m venv "$venv"
	"$venv/bin/pip" install --quiet sacrebleu==2.6.0 rouge-score==0.1.2
fi
"$venv/bin/python" - "$dir" "$n" "$weir" <<'PY'
import json, random, subprocess, sys, time

folder, n, weir = sys.argv[1], int(sys.argv[2]), sys.argv[3]
rng = random.Random(1)
words = [''.join(rng.choice('abcdefghijklmnopqrstuvwxyz') for _ in range(rng.randint(2, 9))) for _ in range(5000)]
hyps, refs = [], []
for _ in range(n):
    ref = [rng.choice(words) for _ in range(rng.randint(8, 40))]
    hyp = [w if rng.random() < 0.8 else rng.choice(words) for w in ref]
    refs.append(' '.join(ref).capitalize() + '.')
    hyps.append(' '.join(hyp).capitalize() + ', (said "so").')
for name, lines in (('hyp', hyps), ('ref', refs)):
    with open(f'{folder}/{name}.txt', 'w') as f:
        f.write('\n'.join(lines) + '\n')

def ours(*args):
    best, out = None, None
    for _ in range(3):
        start = time.perf_counter()
        out = subprocess.run([weir, 'eval', 'score', '--json', '--hyp', f'{folder}/hyp.txt', '--ref', f'{folder}/ref.txt', *args], check=True, capture_output=True).stdout
        took = time.perf_counter() - start
        best = took if best is None else min(best, took)
    return best, json.loads(out)['metrics']

def theirs(score):
    start = time.perf_counter()
    out = score()
    return time.perf_counter() - start, out

from sacrebleu.metrics import BLEU, CHRF
from rouge_score import rouge_scorer

types = ['rouge1', 'rouge2', 'rougeL']

def rouge(stem):
    scorer = rouge_scorer.RougeScorer(types, use_stemmer=stem)
    return sum(scorer.score(r, h)['rouge2'].fmeasure for r, h in zip(refs, hyps)) / n

print(f'{n} segments; weir with the start of its process and the reading of its files, the others without both; best of 3 and 1')
for name, args, score, pick in (
    ('BLEU', ['--metric', 'bleu'], lambda: BLEU().corpus_score(hyps, [refs]).score, lambda m: m[0]['score']),
    ('chrF', ['--metric', 'chrf'], lambda: CHRF().corpus_score(hyps, [refs]).score, lambda m: m[0]['score']),
    ('ROUGE-1, 2, L', ['--metric', 'rouge', '--rouge-types', ','.join(types)], lambda: rouge(False), lambda m: m[1]['fmeasure']),
    ('ROUGE-1, 2, L, stemmed', ['--metric', 'rouge', '--rouge-types', ','.join(types), '--stemmer'], lambda: rouge(True), lambda m: m[1]['fmeasure']),
):
    a, got = ours(*args)
    b, want = theirs(score)
    same = 'equal' if abs(pick(got) - want) < 1e-9 * max(1, abs(want)) else f'DIFFERENT: {pick(got)} and {want}'
    print(f'{name:24} weir {n / a:9.0f}/s   python {n / b:8.0f}/s   {b / a:5.1f} times as fast   {same}')
PY
