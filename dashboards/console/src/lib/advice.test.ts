import { expect, test } from 'vitest'
import { figure, kindName } from './advice'

test('figures with their units', () => {
  const f = (value: string, unit: string) => figure({ name: 'x', value, unit })
  expect([f('1', 'calls'), f('1234', 'calls'), f('4500000', 'tokens'), f('12.5', 'usd'), f('37', 'percent'), f('3.2', 'times'), f('1.5', 'seconds'), f('7', 'apples'), f('', 'calls')])
    .toEqual(['1 call', '1,234 calls', '4.5M tokens', '$12.50', '37%', '3.2×', '1.5 seconds', '7 apples', ' calls'.trim()])
})

test('kinds in words', () => { expect([kindName('unread_writes'), kindName('some_new_kind')]).toEqual(['Unread cache writes', 'some new kind']) })
