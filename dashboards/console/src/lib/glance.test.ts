import { expect, test } from 'vitest'
import { danger, gather, type Event } from './glance'

const event = (e: Partial<Event>): Event => ({ at: '2026-11-25T02:00:00Z', kind: 'alert', name: 'errors', text: 'warning', by: '', bad: true, url: '/alerts', ...e })

test('an alert is one line: its worst, and that it is fine again', () => {
  const got = gather([
    event({ at: '2026-11-25T03:15:00Z', text: 'fine again at 2 %', bad: false }), event({ at: '2026-11-25T02:15:00Z', text: 'alert at 12 %' }),
    event({ at: '2026-11-25T01:45:00Z', text: 'warning at 5 %' }), event({ at: '2026-11-24T21:50:00Z', kind: 'prompt', name: 'tags', text: 'production moved', by: 'ines', bad: false }),
  ])
  expect(got.map((e) => [e.at, e.text, e.by, e.more])).toEqual([
    ['2026-11-25T02:15:00Z', 'alert at 12 %, fine again since', '2026-11-25T03:15:00Z', 2], ['2026-11-24T21:50:00Z', 'production moved', 'ines', 0],
  ])
})

test('an alert that still holds is not called fine', () => {
  const [got] = gather([event({ at: '2026-11-25T02:15:00Z', text: 'warning at 6 %' }), event({ at: '2026-11-25T01:45:00Z', text: 'alert at 12 %' })])
  expect(got?.text).toBe('alert at 12 %')
})

test('a budget is in danger before it is spent', () => {
  const ahead = (reaches_at: string | null) => ({ reaches_at, ends_at: '2026-12-01T00:00:00Z' })
  expect(danger({ percent: 100, state: 'spent' }, undefined)).toBe('spent')
  expect(danger({ percent: 91, state: 'soft' }, ahead('2026-11-27T00:00:00Z'))).toBe('soon')
  expect(danger({ percent: 91, state: 'soft' }, ahead('2026-12-04T00:00:00Z'))).toBe('high')
  expect(danger({ percent: 91, state: 'soft' }, ahead(null))).toBe('high')
  expect(danger({ percent: 20, state: 'ok' }, ahead(null))).toBe('ok')
})
