import { describe, expect, test } from 'vitest'
import { Failure } from './api'
import { amount, days, daysWord, description, dollars, faultsOf, headline, marginAt, metricName, number, percentOf, series, share, signed, size, split, standing, steps, unitsWord, reach, worthAt, type Effect, type Experiment, type Verdict } from './experiments'
import { parse } from './yaml'

const effect = (over: Partial<Effect> = {}): Effect => ({
  arm: 'warm', metric: 'cost', role: 'primary', per: 'unit', direction: 'lower', data: true, control_units: 500, units: 500, control: 0.02, value: 0.018, difference: { value: -0.002, low: -0.003, high: -0.001 }, log_e: 4, p: 0.01, detectable: 0.001, ...over,
})
const experiment = (over: Partial<Experiment> = {}): Experiment => ({
  id: 'x', name: 'tone', unit: 'user', arms: [{ name: 'control', weight: 50 }, { name: 'warm', weight: 50 }], metrics: {}, status: 'running', created_at: '', started_at: '2026-11-20T00:00:00Z', stopped_at: null, epochs: [], revision: 3, updated_at: '', updated_by: 'dev', ...over,
})

describe('words', () => {
  test('as the verdict writes them', () => {
    expect([dollars(0.0123456), dollars(0), dollars(12.345), dollars(12345.6), dollars(-0.00012), dollars(4), dollars(0.000759592), dollars(1e-13)]).toEqual(['$0.0123', '$0', '$12.35', '$12,346', '−$0.00012', '$4', '$0.00076', '$0'])
    expect([number(1234.5), number(0.1239), number(-3), number(0)]).toEqual(['1,235', '0.124', '−3', '0'])
    expect([signed({ metric: 'errors', per: 'call' }, 0.0123), signed({ metric: 'errors', per: 'call' }, -0.01), signed({ metric: 'cost', per: 'unit' }, -0.5), amount({ metric: 'latency', per: 'call' }, 0.5), percentOf(-0.1234), percentOf(20)]).toEqual(['+1.23 points', '−1 point', '−$0.5', '50%', '−12.3%', '+more than 1000%'])
  })
  test('metrics and units', () => {
    expect([{ metric: 'latency', slo_ms: 2000 }, { metric: 'score:helpful', per: 'call' }, { metric: 'input_tokens', per: 'unit' }, { metric: 'utility' }, { metric: 'errors' }].map(metricName)).toEqual(['Calls over 2,000 ms', 'Score helpful per call', 'Input tokens per unit', 'Utility', 'Failed calls'])
    expect([unitsWord('user', 1), unitsWord('session', 1200), unitsWord('header:X-Team', 2)]).toEqual(['1 user', '1,200 sessions', '2 values of X-Team'])
  })
  test('a verdict names its arm', () => {
    const v = (state: Verdict['state'], arm?: string): Verdict => ({ state, text: '', reasons: [], expected_end: null, ...(arm ? { arm } : {}) })
    expect([headline(v('ship', 'warm')), headline(v('stop_for_harm', 'warm')), headline(v('frozen'))]).toEqual(['Ship warm', 'Stop warm: it does harm', 'Frozen: the split is not as planned'])
  })
  test('how long', () => {
    const now = Date.parse('2026-11-24T12:00:00Z')
    expect([days(experiment(), now), days(experiment({ stopped_at: '2026-11-21T00:00:00Z' }), now), days(experiment({ started_at: null }), now)]).toEqual([4.5, 1, null])
    expect([4.5, 1.2, 0.5, 0.01, 0].map(daysWord)).toEqual(['4 days', '1 day', '12 hours', '14 minutes', 'less than a minute'])
  })
})

describe('levels', () => {
  test('an amount in its own unit, or of the control', () => { expect([size(0.01, 0.5), size('5%', 0.02), size('0.3', 1), size('5%', 0), size('x', 1), size(undefined, 1)]).toEqual([0.01, 0.001, 0.3, null, null, null]) })
  test('the margin is on the worse side, the worth on the better', () => {
    expect([marginAt(effect({ role: 'guardrail', margin: '10%' })), marginAt(effect({ role: 'guardrail', margin: 0.02, direction: 'higher' })), marginAt(effect({ data: false, margin: 1 }))]).toEqual([0.002, -0.02, null])
    expect([worthAt({ worth: '5%' }, effect()), worthAt({ worth: 0.1 }, effect({ direction: 'higher' })), worthAt({ worth: 0.1 }, effect({ role: 'guardrail' })), worthAt({}, effect())]).toEqual([-0.001, 0.1, null, null])
  })
  test('what an effect says so far', () => {
    expect([effect(), effect({ direction: 'higher' }), effect({ difference: { value: 0, low: -1, high: 1 } }), effect({ role: 'guardrail', accepted: true }), effect({ role: 'guardrail', harmful: true }), effect({ role: 'guardrail' }), effect({ data: false })].map((f) => standing(f)[1]))
      .toEqual(['better', 'worse', 'not yet known', 'within the margin', 'worse than the margin', 'not yet known', 'no values'])
  })
})

describe('shares', () => {
  test('before the start by the weights, then by the epoch', () => {
    expect(split(experiment({ traffic: 0.5 })).map((s) => s.share)).toEqual([0.25, 0.25])
    expect(split(experiment({ epochs: [{ number: 1, start_time: '', traffic: 0.5, weights: [0.8, 0.2] }] })).map((s) => s.share)).toEqual([0.4, 0.1])
    expect(split(experiment({ arms: [{ name: 'a' }, { name: 'b' }, { name: 'c' }, { name: 'd' }] })).map((s) => s.weight)).toEqual([0.25, 0.25, 0.25, 0.25])
  })
  test('the steps to come', () => {
    expect(steps(experiment({ traffic: 0.02 }))).toEqual([0.1, 0.5, 1])
    expect(steps(experiment({ epochs: [{ number: 1, start_time: '', traffic: 0.5, weights: [0.5, 0.5] }], auto: { ramp: { steps: [0.25, 0.4] } } }))).toEqual([0.8])
    expect(share(0.3333333)).toBe('33.3%')
  })
})

describe('over time', () => {
  const f = { metric: 'cost', role: 'primary', per: 'unit' } as const
  const over = [{ at: '', units: 0, effects: [] }, { at: '', units: 9, effects: [{ arm: 'warm', ...f, value: -1, low: -90, high: 88 }, { arm: 'warm', ...f, role: 'guardrail' as const, value: 5, low: 4, high: 6 }] }, { at: '', units: 90, effects: [{ arm: 'warm', ...f, value: -1, low: -3, high: 1 }] }]
  test('one metric of one arm', () => { expect(series(over, f, 'warm')).toEqual({ values: [null, -1, -1], low: [null, -90, -3], high: [null, 88, 1] }) })
  test('early intervals do not make the late ones small', () => {
    const [low, high] = reach([series(over, f, 'warm')], [-2])!
    expect(low).toBeGreaterThan(-10)
    expect(high).toBeLessThan(8)
    expect(reach([], [])).toBeUndefined()
  })
})

describe('faults', () => {
  const doc = parse('name: tone\nunit: team\narms:\n  - {name: control, prompt: greet@1}\n  - name: warm\n    prompt: greet@2\n    weight: 70\nmetrics:\n  primary: {metric: cost}\n  guardrails:\n    - {metric: errors, direction: lower}\nplanned_units: many\nfoo: 1\n')
  const of = (message: string) => faultsOf(new Failure(400, 'x', message), doc).map((f) => [f.line, f.text.slice(0, 24)])
  test('each with its line', () => {
    expect(of('unit: "team" is none of user, session, key, header:NAME; arms: "warm": prompt "greet@2" is not of "other"; arms: the weights sum to 70; they must sum to 1 or to 100, or be left out for equal shares; metrics: primary: direction is missing: lower or higher; metrics: guardrail "errors" has no margin: say how much worse is still accepted')).toEqual([
      [2, 'unit: "team" is none of '], [6, 'arms: "warm": prompt "gr'], [3, 'arms: the weights sum to'], [9, 'metrics: primary: direct'], [11, 'metrics: guardrail "erro'],
    ])
  })
  test('what JSON has against it, and what is of no line', () => {
    expect(of('json: unknown field "foo"')).toEqual([[13, 'json: unknown field "foo']])
    expect(of('json: cannot unmarshal string into Go struct field Experiment.planned_units of type int64')).toEqual([[12, 'json: cannot unmarshal s']])
    expect(of('weir does not answer.')).toEqual([[0, 'weir does not answer.']])
  })
})

test('a description has only what one wrote', () => {
  expect(Object.keys(JSON.parse(description(experiment({ winner: 'warm', reason: 'x', worth: '5%' }))) as object)).toEqual(['name', 'unit', 'arms', 'metrics', 'worth'])
})
