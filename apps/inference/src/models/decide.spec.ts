import { describe, expect, it } from 'vitest'
import { type Tensor } from '../protocol/tensors.ts'
import { decideGolden } from './decide-golden.ts'
import { decidePlacement, inlineRows } from './decide-placement.ts'

const limits = { loadMs: 50, runMs: 2 }
const fast = { operators: ['TreeEnsembleClassifier'], loadMs: 5, runMs: 0.02, rowMs: 0.001 }

describe('where a model runs', () => {
  it('is this process while it is quick', () => {
    expect(decidePlacement(fast, limits)).toBe('inline')
    expect(decidePlacement({ ...fast, loadMs: 51 }, limits)).toBe('host')
    expect(decidePlacement({ ...fast, runMs: 3 }, limits)).toBe('host')
    expect(decidePlacement({ ...fast, operators: ['Tile'] }, limits)).toBe('host')
  })
  it('is the other one from so many rows on', () => {
    expect(inlineRows(fast, limits)).toBeCloseTo(1_980, -1)
    expect(inlineRows({ runMs: 1.9, rowMs: 0.5 }, limits)).toBe(1)
    expect(inlineRows({ runMs: 0.1, rowMs: 0 }, limits)).toBe(10_000)
  })
})

describe('golden rows', () => {
  const output = (name: string, shape: number[], data: Tensor['data']): Tensor => ({
    name,
    datatype: 'FP32',
    shape,
    data,
    missing: false,
  })
  const check = (expected: Record<string, unknown[]>, ...outputs: Tensor[]) =>
    decideGolden({ inputs: {}, outputs: expected }, outputs, 1e-5).same

  it('are answered within the tolerance', () => {
    expect(check({ value: [1, 2] }, output('value', [2, 1], Float32Array.of(1, 2.00001)))).toBe(true)
    expect(check({ value: [1e6] }, output('value', [1, 1], Float32Array.of(1e6 + 5)))).toBe(true)
    expect(check({ value: [1, 2] }, output('value', [2, 1], Float32Array.of(1, 2.1)))).toBe(false)
    expect(check({ value: [1] }, output('value', [1, 1], Float32Array.of(NaN)))).toBe(false)
    expect(check({ label: [1, 0] }, output('label', [2], BigInt64Array.of(1n, 0n)))).toBe(true)
    expect(check({ label: ['a'] }, output('label', [1], ['b']))).toBe(false)
    expect(check({ value: [1, 2] }, output('value', [1, 1], Float32Array.of(1)))).toBe(false)
    expect(check({ missing: [1] }, output('value', [1, 1], Float32Array.of(1)))).toBe(false)
  })
  it('let a tie of probabilities fall either way', () => {
    const half = output('probabilities', [1, 2], Float32Array.of(0.5, 0.5))
    expect(check({ probabilities: [[0.5, 0.5]], label: [0] }, half, output('label', [1], BigInt64Array.of(1n)))).toBe(true)
    const clear = output('probabilities', [1, 2], Float32Array.of(0.4, 0.6))
    expect(check({ probabilities: [[0.4, 0.6]], label: [0] }, clear, output('label', [1], BigInt64Array.of(1n)))).toBe(false)
  })
})
