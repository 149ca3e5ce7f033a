import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Value } from '../feature-views/view.ts'
import { addValue, aggregateOf, mergePartial, noPartial, type Partial } from './partials.ts'
import { layoutOf, partialsBytes, readTile, writePartials } from './tile-codec.ts'
import { type Level, type Slot, type WindowFeature } from './window-plan.ts'

const slot = (type: Slot['type']): Slot => ({ field: 'x', type, sum: true, spread: true, min: true, max: true, last: true })
const at = (offset: number) => ({ eventTime: offset, availableAt: offset, epoch: 0, partition: 0, offset })

const partialOf = (type: Slot['type'], values: readonly Value[], from = 0): Partial => {
  const partial = noPartial()
  values.forEach((value, index) => addValue(slot(type), partial, value, at(from + index)))
  return partial
}

const answers = (partial: Partial) =>
  Object.fromEntries(
    (['count', 'sum', 'mean', 'stddev', 'min', 'max', 'last'] as WindowFeature['fn'][]).map((fn) => [
      fn,
      aggregateOf(fn, partial),
    ]),
  )

describe('the aggregates of some values', () => {
  it('skip nulls', () => {
    expect(answers(partialOf('double', [2, null, 4, 4, 4, null, 5, 5, 7, 9]))).toEqual({
      count: 8,
      sum: 40,
      mean: 5,
      stddev: 2,
      min: 2,
      max: 9,
      last: 9,
    })
  })

  it('of none are null, but the count', () => {
    const none = { count: 0, sum: null, mean: null, stddev: null, min: null, max: null, last: null }
    expect(answers(partialOf('double', [null, null]))).toEqual(none)
  })

  it('do not lose what cancels', () => {
    expect(aggregateOf('sum', partialOf('double', [1, 1e100, 1, -1e100]))).toBe(2)
    expect(aggregateOf('stddev', partialOf('double', [1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16]))).toBeCloseTo(Math.sqrt(22.5), 9)
  })

  it('keep integers beyond 2^53', () => {
    const big = partialOf('int', [9007199254740993n, -9007199254740993n, 9223372036854775807n])
    expect(answers(big)).toMatchObject({
      sum: 9223372036854775807,
      min: -9007199254740993n,
      max: 9223372036854775807n,
      last: 9223372036854775807n,
    })
    expect(aggregateOf('sum', partialOf('int', [9007199254740993n, -9007199254740992n]))).toBe(1)
  })

  it('beyond the range of a double are null, and no error', () => {
    expect(answers(partialOf('double', [1.7e308, 1.7e308]))).toMatchObject({ sum: null, mean: null, stddev: null, max: 1.7e308 })
    expect(aggregateOf('stddev', partialOf('double', [1e200, -1e200]))).toBeNull()
  })
})

const values = (type: Slot['type']): fc.Arbitrary<Value[]> => {
  const value: fc.Arbitrary<Value> =
    type === 'int'
      ? fc
          .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
          .map((big) => (Number.isSafeInteger(Number(big)) ? Number(big) : big))
      : fc.double({ min: -1e12, max: 1e12, noNaN: true })
  return fc.array(fc.option(value, { nil: null }), { maxLength: 20 })
}

describe.each(['double', 'int'] as const)('tiles of %s', (type) => {
  const level: Level = { hop: 1, longest: 1, slots: [slot(type)] }
  const tileOf = (partial: Partial) => {
    const bytes = Buffer.alloc(2 + partialsBytes(level, [partial]))
    expect(writePartials(level, [partial], bytes, 2)).toBe(bytes.length)
    return bytes
  }

  it('are read as they were written', () => {
    fc.assert(
      fc.property(values(type), (some) => {
        const partial = partialOf(type, some)
        expect(answers(readTile(level, tileOf(partial))[0]!)).toEqual(answers(partial))
      }),
    )
  })

  it('merge to what all values together come to, wherever they are cut', () => {
    fc.assert(
      fc.property(values(type), fc.nat(20), (some, cut) => {
        const whole = partialOf(type, some)
        const merged = partialOf(type, some.slice(0, cut))
        mergePartial(slot(type), merged, partialOf(type, some.slice(cut), cut))
        const size = some.reduce<number>((sum, each) => sum + Math.abs(Number(each)), 1)
        for (const [fn, value] of Object.entries(answers(whole))) {
          const found = answers(merged)[fn]
          if (fn === 'sum' || fn === 'mean' || fn === 'stddev')
            expect(Math.abs(Number(found) - Number(value))).toBeLessThan(1e-12 * size)
          else expect(found).toEqual(value)
        }
      }),
    )
  })
})

it('tells the scripts how a tile lies', () => {
  const rows: Slot = { field: null, type: null, sum: false, spread: false, min: false, max: false, last: false }
  expect(layoutOf({ hop: 1, longest: 1, slots: [rows, slot('double'), slot('int')] })).toBe('ccsvmMlcsviIl')
})
