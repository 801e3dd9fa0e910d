import { describe, expect, test } from 'vitest'
import { callsOf, faultsOf, filterOf, filterPairs, labelsText, ruleText, spanOf, typed, valueText, worst, type Alert } from './alerts'
import { Failure } from './api'

describe('alerts', () => {
  test('values', () => {
    expect([valueText('usd', 1234.5), valueText('usd', 0.00123), valueText('share', 0.1234), valueText('seconds', 1.5), valueText('deviations', -6.04), valueText('count', 12000), valueText('usd', null)]).toEqual(['$1,234.50', '$0.00123', '12.34%', '1.5 s', '-6σ', '12,000', 'no data'])
    expect([typed('share', '5%'), typed('share', '0.05'), typed('usd', '$1,200'), typed('usd', ''), typed('usd', 'much'), typed('share', '%')]).toEqual([0.05, 0.05, 1200, undefined, 'much', '%'])
  })
  test('a rule in a sentence', () => {
    expect(ruleText({ name: 'e', metric: 'error_rate', window: '5m', op: 'gt', warning: 0.02, alert: 0.1, for: '2m', group_by: ['model'] })).toBe('share of errors over 5m, warning above 2%, alert above 10%, for 2m, by model')
    expect(ruleText({ name: 'b', metric: 'budget_used', budget: 'team', op: 'gte', alert: 0.9 })).toBe('used share of a budget team, alert at or above 90%')
    expect(labelsText({ model: 'b', key: '' })).toBe('key=(none) model=b')
  })
  test('a filter there and back', () => {
    const f = { project: 'p', tags: { team: 'a' } }
    expect(filterPairs(f)).toEqual([['project', 'p'], ['tag.team', 'a']])
    expect(filterOf(filterPairs(f))).toEqual(f)
    expect(filterOf([['model', '']])).toBeUndefined()
  })
  test('what the API does not take', () => {
    expect(faultsOf(new Failure(400, 'x', 'the rule has 3 faults: op: "over" is none of gt, gte; alert: want a threshold: warning, alert or both; op: again', 'op'))).toEqual({ op: '"over" is none of gt, gte; again', alert: 'want a threshold: warning, alert or both' })
    expect(faultsOf(new Failure(400, 'x', 'taken', 'name'))).toEqual({ name: 'taken' })
    expect(faultsOf(new Failure(0, 'x', 'away'))).toEqual({ '': 'away' })
  })
  test('the calls of a group', () => {
    const q = new URLSearchParams(callsOf({ name: 'e', metric: 'errors', op: 'gt', window: '1h30m', filter: { project: 'p' } }, { model: 'm', user: '' }, '2026-11-25T08:00:00Z').split('?')[1])
    expect(Object.fromEntries(q)).toEqual({ project: 'p', model: 'm', status: 'error', since: '2026-11-25T06:30:00.000Z', until: '2026-11-25T08:00:00.000Z' })
    expect([spanOf('7d'), spanOf('?')]).toEqual([604_800_000, 3_600_000])
  })
  test('the worst first', () => {
    const a = (name: string, severity: Alert['severity']) => ({ name, severity }) as Alert
    expect([a('b', 'OK'), a('c', 'ALERT'), a('a', 'OK'), a('d', 'NO_DATA')].sort(worst).map((x) => x.name).join('')).toBe('cdab')
  })
})
