import { expect, it } from 'vitest'
import { type Context } from '../context.ts'
import { paint } from './paint.ts'
import { harmless, list, table } from './table.ts'
import { showCount, showNumber, showShare, showSpan, showTime } from './words.ts'

const context = (width: number | undefined, colour = false) => ({ paint: paint(colour), shell: { width } }) as Context

it('lines columns up without borders, and shows what is missing', () => {
  expect(
    table(
      context(undefined),
      ['name', 'state'],
      [
        ['a', null],
        ['longer', 'ok'],
      ],
    ),
  ).toBe('NAME    STATE\na       –\nlonger  ok')
  expect(
    list(context(undefined), [
      ['a', 1],
      ['long', undefined],
    ]),
  ).toBe('a     1\nlong  –')
})

it('cuts lines to the terminal, not inside a colour', () => {
  expect(table(context(8), ['name'], [['abcdefghijkl']]).split('\n')[1]).toBe('abcdefg…')
  const red = paint(true).red('abcdefghijkl')
  const cut = table(context(8, true), ['name'], [[red]])
  expect(cut.split('\n')[1]).toContain('abcdefg')
  expect(harmless(cut)).toBe(cut)
})

it('lets no value steer the terminal', () => {
  expect(table(context(undefined), ['name'], [['a\u001b[2Jb\u0007\u001b[8m']])).not.toMatch(/\u001b|\u0007/)
})

it.each([
  [showSpan(420), '420ms'],
  [showSpan(1500), '1.5s'],
  [showSpan(93_500), '1m 34s'],
  [showSpan(5_400_000), '1h 30m'],
  [showSpan(90_000_000), '1d 1h'],
  [showTime('2001-01-14T09:30:05.123Z'), '2001-01-14 09:30:05'],
  [showTime(null), '–'],
  [showTime('soon'), 'soon'],
  [showCount(1_234_567), '1,234,567'],
  [showNumber(0.712345), '0.7123'],
  [showShare(0.25), '25%'],
  [showShare(0.0125), '1.25%'],
])('shows %s', (shown, expected) => expect(shown).toBe(expected))
