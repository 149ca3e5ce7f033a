import { expect, it } from 'vitest'
import { decideRange } from './decide-range.ts'

it.each([
  [undefined, null],
  ['bytes=0-9', { start: 0, end: 9 }],
  ['bytes=90-', { start: 90, end: 99 }],
  ['bytes=90-500', { start: 90, end: 99 }],
  ['bytes=-8', { start: 92, end: 99 }],
  ['bytes=-500', { start: 0, end: 99 }],
  ['bytes=100-', 'outside'],
  ['bytes=-0', 'outside'],
  ['bytes=9-3', null],
  ['bytes=-', null],
  ['bytes=0-1,5-6', null],
  ['rows=0-1', null],
  ['bytes=1e3-', null],
])('reads the range %j of 100 bytes', (header, expected) => expect(decideRange(header, 100)).toEqual(expected))
it('has nothing of an empty file', () => expect(decideRange('bytes=-1', 0)).toBe('outside'))
