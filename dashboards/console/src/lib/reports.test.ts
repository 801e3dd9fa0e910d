import { expect, test } from 'vitest'
import { periods, today, weekName } from './reports'

test('weeks are those of ISO 8601', () => {
  for (const [day, name] of [['2026-11-16', '2026-W47'], ['2025-12-29', '2026-W01'], ['2026-12-28', '2026-W53'], ['2027-01-04', '2027-W01']] as const) expect(weekName(Date.parse(day))).toBe(name)
})

test('the running period comes first', () => {
  const day = Date.parse('2026-11-25')
  expect(periods('week', day, 2)).toEqual([['2026-W48', '2026-W48: 23 Nov to 29 Nov (not over)'], ['2026-W47', '2026-W47: 16 Nov to 22 Nov']])
  expect(periods('month', Date.parse('2027-01-31'), 3).map(([n]) => n)).toEqual(['2027-01', '2026-12', '2026-11'])
  expect(periods('week', Date.parse('2026-11-29'), 1)[0]![0]).toBe('2026-W48') // a Sunday
})

test('the day is that of the zone', () => {
  const late = Date.parse('2026-11-30T23:30:00Z')
  expect(today('Europe/Berlin', late)).toBe(Date.parse('2026-12-01'))
  expect(today('UTC', late)).toBe(Date.parse('2026-11-30'))
  expect(today('no/such zone', late)).toBe(Date.parse('2026-11-30'))
})
