import { describe, expect, test } from 'vitest'
import { namesOf, tags, templatesOf } from './template'

const kinds = (t: string) => tags(t).map((x) => [x.kind, x.name])

describe('tags', () => {
  test('of every kind', () => {
    expect(kinds('Hi {{name}}, {{{raw}}} {{& also }}{{#list}}- {{.}}{{/list}}{{^list}}none{{/list}}{{! a note }}{{> footer@production}}')).toEqual([
      ['text', ''], ['name', 'name'], ['text', ''], ['name', 'raw'], ['text', ''], ['name', 'also'], ['open', 'list'], ['text', ''], ['name', '.'], ['close', 'list'],
      ['not', 'list'], ['text', ''], ['close', 'list'], ['comment', 'a note'], ['partial', 'footer@production'],
    ])
  })
  test('other delimiters', () => { expect(kinds('{{=<% %>=}}{{not}} <%yes%> <%={{ }}=%>{{again}}')).toEqual([['delimiters', ''], ['text', ''], ['name', 'yes'], ['text', ''], ['delimiters', ''], ['name', 'again']]) })
  test('what never ends stays text', () => { expect(kinds('a {{name')).toEqual([['text', '']]) })
  test('the pieces are the template', () => {
    for (const t of ['', 'plain', '{{a}}{{{b}}}{{', '{{=| |=}}|x| {{y}}', '}}{{}}{{#a}}', '{{{unclosed}}', '\u{1F600}{{näme}}\r\n']) expect(tags(t).map((x) => x.raw).join('')).toBe(t)
  })
})

test('names that templates ask for', () => {
  expect(namesOf(['{{user.name}} {{#orders}}{{id}}{{#lines}}{{sku}}{{/lines}}{{/orders}} {{> footer}}', '{{^orders}}{{user.name}}{{/orders}}{{total}}'])).toEqual({ names: ['user', 'orders', 'total'], sections: ['orders'], within: ['id', 'lines', 'sku'], partials: ['footer'] })
  expect(namesOf(['{{#a}}{{.}}{{/a}}{{! b }}'])).toEqual({ names: ['a'], sections: ['a'], within: [], partials: [] })
})

test('templates of a content', () => {
  expect(templatesOf({ text: 'a' })).toEqual(['a'])
  expect(templatesOf({ messages: [{ content: 'a' }, { content: 'b' }] })).toEqual(['a', 'b'])
  expect(templatesOf({})).toEqual([])
})
