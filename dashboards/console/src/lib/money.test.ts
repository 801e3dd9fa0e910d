import { describe, expect, test } from 'vitest'
import { axis, cents, cmp, exact, parse, render, sum, usd } from './money'

describe('money', () => {
  test.each([
    ['0', '$0.00', '$0.00', '$0.00'],
    ['0.000013500', '$0.0000135', '$0.0000135', '<$0.01'],
    ['0.000000001', '$0.000000001', '$0.000000001', '<$0.01'],
    ['0.042137', '$0.0421', '$0.042137', '$0.04'],
    ['1.005', '$1.00', '$1.005', '$1.00'], // half to even
    ['1.015', '$1.02', '$1.015', '$1.02'],
    ['999999999.999999999', '$1,000,000,000.00', '$999,999,999.999999999', '$1,000,000,000.00'],
    ['12345.6', '$12,345.60', '$12,345.60', '$12,345.60'],
    ['-1234.5', '-$1,234.50', '-$1,234.50', '-$1,234.50'],
    ['6.8e-07', '$0.00000068', '$0.00000068', '<$0.01'],
    ['90071992547409931.123456789', '$90,071,992,547,409,931.12', '$90,071,992,547,409,931.123456789', '$90,071,992,547,409,931.12'],
  ])('%s', (s, wantUsd, wantExact, wantCents) => {
    expect(usd(s)).toBe(wantUsd)
    expect(exact(s)).toBe(wantExact)
    expect(cents(s)).toBe(wantCents)
  })

  test('what is not known is never zero', () => {
    for (const s of [null, undefined, '', 'n/a']) {
      expect(parse(s)).toBeNull()
      expect(usd(s)).toBe('—')
      expect(exact(s)).toBe('unknown')
    }
  })

  test('sums are exact where floats are not', () => {
    expect(sum(['0.1', '0.2'])).toBe('0.3')
    expect(sum(Array(1000).fill('0.000000001'))).toBe('0.000001')
    expect(sum(['1', null, '2.5'])).toBe('3.5')
  })

  test('order', () => {
    expect(['10', '9.5', null, '0.1'].sort(cmp)).toEqual([null, '0.1', '9.5', '10'])
  })

  test('render undoes parse', () => {
    for (const s of ['0', '1.5', '-0.000000001', '123.456']) expect(render(parse(s)!)).toBe(s)
  })

  test('axis', () => {
    expect([0, 0.0025, 0.5, 1.5, 12, 15000, 2.5e6].map(axis)).toEqual(['$0', '$0.0025', '$0.50', '$1.50', '$12', '$15k', '$2.5M'])
  })
})
