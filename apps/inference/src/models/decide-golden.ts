import { kinds, type Elements, type Tensor } from '../protocol/tensors.ts'

/** What a model answered when it was made: its inputs by name, and its outputs, row by row. */
export interface Golden {
  inputs: Record<string, readonly unknown[]>
  outputs: Record<string, readonly unknown[]>
  /** Greatest difference of a number, relative to max(1, |expected|). */
  tolerance?: number | undefined
}

export type GoldenVerdict =
  { same: true; largest: number } | { same: false; output: string; row: number; expected: unknown; got: unknown }

/**
 * Whether replayed outputs equal the golden ones: numbers within a tolerance relative to max(1, |expected|), everything else exactly
 * (but for a label that a tie of probabilities decides).
 */
export function decideGolden(golden: Golden, outputs: readonly Tensor[], tolerance: number): GoldenVerdict {
  let largest = 0
  for (const [name, expected] of Object.entries(golden.outputs)) {
    const output = outputs.find((each) => each.name === name)
    if (!output) return { same: false, output: name, row: 0, expected: 'an output', got: 'none' }
    const rows = rowsOf(output)
    if (rows.length !== expected.length) return { same: false, output: name, row: 0, expected: expected.length, got: rows.length }
    for (let row = 0; row < rows.length; row++) {
      const distance = distanceOf(expected[row], rows[row])
      if (!(distance <= tolerance) && !(name === 'label' && tied(golden.outputs['probabilities']?.[row], tolerance)))
        return { same: false, output: name, row, expected: expected[row], got: plain(rows[row]) }
      if (distance <= tolerance) largest = Math.max(largest, distance)
    }
  }
  return { same: true, largest }
}

/** Whether the two greatest probabilities are so close that rounding decides between their labels. */
function tied(probabilities: unknown, tolerance: number): boolean {
  if (!Array.isArray(probabilities) || probabilities.length < 2) return false
  const [first, second] = [...(probabilities as number[])].sort((a, b) => b - a) as [number, number]
  return first - second <= 2 * tolerance
}

/** The rows of a tensor: scalars for [n] and [n, 1], arrays for [n, k]. */
export function rowsOf({ shape, data }: Tensor): unknown[] {
  const rows = shape[0] ?? 1
  const width = rows === 0 ? 0 : data.length / rows
  const list = Array.from(data as ArrayLike<unknown>)
  if (width === 1) return list
  return Array.from({ length: rows }, (_, row) => list.slice(row * width, (row + 1) * width))
}

const plain = (value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value)

function distanceOf(expected: unknown, got: unknown): number {
  if (Array.isArray(expected)) {
    if (!Array.isArray(got)) return expected.length === 1 ? distanceOf(expected[0], got) : Infinity
    if (expected.length !== got.length) return Infinity
    return expected.reduce((most: number, each, at) => Math.max(most, distanceOf(each, got[at])), 0)
  }
  const [a, b] = [plain(expected), plain(got)]
  if (typeof a === 'number' && typeof b === 'number') {
    if (Number.isNaN(a) && Number.isNaN(b)) return 0
    return Math.abs(a - b) / Math.max(1, Math.abs(a))
  }
  if (typeof a === 'boolean') return Number(a) === Number(b) ? 0 : Infinity
  return a === b ? 0 : Infinity
}

/** Golden inputs as tensors of [n, 1] or [n, k], for the datatypes that the model declares; null is missing. */
export function goldenTensors(golden: Golden, inputs: readonly { name: string; datatype: Tensor['datatype'] }[]): Tensor[] {
  return inputs.map(({ name, datatype }) => {
    const rows = golden.inputs[name]
    if (!rows) throw new Error(`golden rows have no input ${name}`)
    const flat = rows.flat()
    const data = kinds[datatype].create(flat.length)
    flat.forEach((value, at) => ((data as unknown[])[at] = element(value, kinds[datatype].is)))
    return { name, datatype, shape: [rows.length, rows.length === 0 ? 1 : flat.length / rows.length], data, missing: false }
  })
}

function element(value: unknown, is: (typeof kinds)['FP32']['is']): Elements[number] {
  if (is === 'text') return value === null || value === undefined ? '' : String(value)
  if (is === 'bigint') return BigInt(value as number)
  if (value === null || value === undefined) return NaN
  return Number(value)
}
