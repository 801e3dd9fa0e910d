import { describe, expect, test } from 'vitest'
import { columns, isUsual, known, move, readColumns, readDensity, readSort, toggle, tracks, usual } from './columns'

describe('columns', () => {
  test('what an address may say', () => {
    expect(readColumns(null)).toBeUndefined()
    expect(readColumns('')).toBeUndefined()
    expect(readColumns('cost,model,cost,nonsense')).toEqual(['cost', 'model'])
    expect(readColumns('cost,time')).toEqual(['model', 'cost', 'time']) // a call is opened by its model
    expect(readColumns('nonsense')).toEqual(usual)
    expect(isUsual(known([]))).toBe(true)
    expect(columns.every((c) => /^[a-z_]{1,32}$/.test(c.id))).toBe(true) // as the service takes them
  })
  test('shown where they would stand, and hidden', () => {
    expect(toggle(usual, 'cache')).toEqual([...usual, 'cache'])
    expect(toggle(['time', 'model', 'cost'], 'status')).toEqual(['time', 'model', 'status', 'cost'])
    expect(toggle(['model', 'cost'], 'time')).toEqual(['time', 'model', 'cost'])
    expect(toggle(['cost', 'model'], 'cost')).toEqual(['model'])
    expect(toggle(['cost', 'model'], 'model')).toEqual(['cost', 'model'])
    expect(toggle(['model'], 'nonsense')).toEqual(['model'])
  })
  test('moved', () => {
    expect(move(['a', 'b', 'c'], 'b', 1)).toEqual(['a', 'c', 'b'])
    expect(move(['a', 'b', 'c'], 'a', -1)).toEqual(['a', 'b', 'c'])
    expect(move(['a', 'b', 'c'], 'c', 1)).toEqual(['a', 'b', 'c'])
    expect(move(['a'], 'x', 1)).toEqual(['a'])
  })
  test('widths', () => {
    expect(tracks(['time', 'model'])).toEqual({ grid: '56px minmax(150px, 1.8fr)', least: 56 + 150 + 9 + 28 })
    expect(tracks(usual, true).least).toBe(tracks(usual).least)
    expect(tracks(usual).least).toBeLessThanOrEqual(785) // beside the panel of filters in a window of 1280
    expect(tracks(['model', 'time', 'cost']).grid).toBe('minmax(150px, 1.8fr) 56px 78px')
  })
  test('order and density', () => {
    expect([readSort('cost'), readSort('colour'), readSort(null)]).toEqual(['cost', 'time', 'time'])
    expect([readDensity('compact'), readDensity('tiny')]).toEqual(['compact', undefined])
  })
})
