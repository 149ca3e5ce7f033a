import { expect, it } from 'vitest'
import { storableJson, storableText } from './storable.ts'

it('replaces what Postgres refuses, wherever it is', () => {
  expect(storableText('a\0b')).toBe('a\ufffdb')
  expect(JSON.parse(storableJson({ ['k\0']: 'x\0', half: '\ud800!', low: '\udfff', whole: '✈😀', path: 'C:\\u0000' })!)).toEqual({
    'k\ufffd': 'x\ufffd',
    half: '\ufffd!',
    low: '\ufffd',
    whole: '✈😀',
    path: 'C:\\u0000',
  })
  expect([storableJson(null), storableJson(undefined), storableJson(0)]).toEqual([null, null, '0'])
})
