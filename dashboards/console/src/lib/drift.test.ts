import { describe, expect, it } from 'vitest'
import { callsOf, classText, effectText, movedText, ofText, psiWord, valueText, type Series } from './drift'

const series: Series = {
  id: 'a', metric: 'input_tokens', project: 'shop', prompt: '', model: '', state: 'drifted', reason: '', n: 100, reference_n: 400, weeks: 4, value: 800, reference_value: 400,
  shift: { psi: 0.4, expected: 0.01, bins: 10 }, noise: 1, effect: { kind: 'ratio', class: '', value: 2, low: 1.8, high: 2.234 }, p: 0, p_adjusted: 0,
  moved: { by: 'prompt', name: 'greet', part: 1, within: 1, n: 50, reference_n: 200, value: 1234.4, reference_value: 300 },
}

describe('drift in words', () => {
  it('says figures as people read them', () => {
    expect(effectText(series.effect!)).toEqual(['× 2', '1.8 to 2.23'])
    expect(effectText({ kind: 'difference', class: '', value: -0.0213, low: -0.03, high: 0.001 })).toEqual(['−2.1 points', '−3 to +0.1'])
    expect(valueText('errors', 0.01234)).toBe('1.23%')
    expect(valueText('output_tokens', null)).toBe('–')
    expect([0.05, 0.1, 0.3].map(psiWord)).toEqual(['small', 'moderate', 'large'])
    expect(classText({ name: '', from: 64, to: 128, share: 0, reference: 0 })).toBe('64 to 128')
  })
  it('names what a series is of', () => {
    expect(ofText(series)).toBe('shop')
    expect(ofText({ ...series, model: 'm' })).toBe('shop · model m')
  })
  it('says what moved', () => {
    expect(movedText(series)).toBe('the prompt greet: all of it; its own went from 300 tokens to 1,234 tokens')
    expect(movedText({ ...series, moved: { ...series.moved!, part: 0.4, within: 0, n: 90 } })).toBe('the prompt greet: 40% of it, and others the rest; it has more of the calls than before')
    expect(movedText({ ...series, moved: null })).toBe('')
  })
  it('leads to the calls of the day', () => {
    expect(callsOf(series, '2026-11-25T12:00:00Z', series.moved)).toBe('/calls?project=shop&prompt=greet&since=2026-11-24T12%3A00%3A00.000Z&until=2026-11-25T12%3A00%3A00.000Z')
    expect(callsOf({ ...series, metric: 'errors', moved: null, model: '(others)' }, '2026-11-25T12:00:00Z')).toContain('status=error')
    expect(callsOf({ ...series, prompt: '(others)' }, '2026-11-25T12:00:00Z')).not.toContain('others')
  })
})
