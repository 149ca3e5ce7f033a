import { inspectModel, modelLimits, UnsafeModel, type GoldenRows, type ModelFacts, type ModelSignature } from '@cascata/onnx'
import { readFile, stat } from 'node:fs/promises'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { columnOf, wordAt, type Column, type Frame } from '../frames/frame.ts'
import { type Classes } from '../trainers/target.ts'
import { matchSignature, type Layout } from './match-signature.ts'

const batchRows = 4_096

/** A model that was checked and loaded. */
export interface Scorer {
  facts: ModelFacts
  signature: ModelSignature
  bytes: number
  classes: Classes | null
  /** Probabilities by class (n × k), or values (n × 1). */
  score(frame: Frame, rows?: Int32Array): Promise<Float64Array>
}

/**
 * Checks a model file and its signature against each other and loads it.
 *
 * @throws UnsafeModel when the file must not be loaded, or is not the model that the signature describes.
 */
export async function openModel(path: string, signature: ModelSignature): Promise<Scorer> {
  const { size } = await stat(path)
  if (size > modelLimits.bytes)
    throw new UnsafeModel('TOO_LARGE', `The model file has ${size} bytes; at most ${modelLimits.bytes} are allowed.`)
  const file = await readFile(path)
  const facts = inspectModel(file)
  const { layout, answer } = matchSignature(facts, signature)
  const session = await InferenceSession.create(file, { intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential' })
  const classes = classesOf(signature)
  const width = signature.classes && answer !== 'value' ? signature.classes.length : 1
  return {
    facts,
    signature,
    bytes: size,
    classes,
    async score(frame, rows) {
      const n = rows?.length ?? frame.rows
      const scores = new Float64Array(n * width)
      for (let from = 0; from < n; from += batchRows) {
        const to = Math.min(n, from + batchRows)
        const feeds = feedsOf(frame, layout, signature, to - from, (index) => rows?.[from + index] ?? from + index)
        const tensor = (await session.run(feeds, [answer]))[answer]
        const data = tensor?.data as Float32Array
        if (data.length !== (to - from) * width)
          throw new UnsafeModel(
            'UNSUPPORTED_TYPE',
            `Output ${answer} has ${data.length} numbers for ${to - from} rows of ${width}.`,
          )
        scores.set(data, from * width)
      }
      return scores
    },
  }
}

function classesOf({ classes }: ModelSignature): Classes | null {
  if (!classes) return null
  if (classes.every((each) => typeof each === 'string')) return { of: 'text', values: classes as string[] }
  return { of: 'number', values: classes.map(Number) }
}

/** Tensors of `length` rows; `at` says which row of the frame each is. */
function feedsOf(
  frame: Frame,
  layout: Layout,
  { inputs }: ModelSignature,
  length: number,
  at: (index: number) => number,
): Record<string, Tensor> {
  if (layout.is === 'matrix') return { [layout.input]: matrixOf(frame, layout, inputs, length, at) }
  return Object.fromEntries(
    inputs.map(({ name }) => {
      const column = columnOf(frame, name)
      if (column.kind === 'text')
        return [
          name,
          new Tensor(
            'string',
            Array.from({ length }, (_, index) => wordAt(column, at(index))),
            [length, 1],
          ),
        ]
      const values = Float32Array.from({ length }, (_, index) => column.values[at(index)] as number)
      return [name, new Tensor('float32', values, [length, 1])]
    }),
  )
}

function matrixOf(
  frame: Frame,
  { input, type }: Layout & { is: 'matrix' },
  inputs: ModelSignature['inputs'],
  length: number,
  at: (index: number) => number,
): Tensor {
  const width = inputs.length
  const data = type === 'float64' ? new Float64Array(length * width) : new Float32Array(length * width)
  inputs.forEach(({ name }, position) => {
    const column = columnOf(frame, name)
    if (column.kind === 'text')
      throw new UnsafeModel('UNSUPPORTED_TYPE', `Input ${input} is a matrix of numbers, and column ${name} is text.`)
    for (let index = 0; index < length; index++) data[index * width + position] = column.values[at(index)] as number
  })
  const shape = [length, width]
  return data instanceof Float64Array ? new Tensor('float64', data, shape) : new Tensor('float32', data, shape)
}

/** Latency of single rows in ms: of three rounds the one that other work on this machine disturbed least. */
export async function latencyOf(scorer: Scorer, frame: Frame): Promise<{ p50: number; p99: number; rows: number }> {
  const rows = 200
  const one = async (row: number): Promise<number> => {
    const before = performance.now()
    await scorer.score(frame, Int32Array.of(row % frame.rows))
    return performance.now() - before
  }
  for (let row = 0; row < 20; row++) await one(row)
  const rounds: Float64Array[] = []
  for (let round = 0; round < 3; round++) {
    const times = new Float64Array(rows)
    for (let row = 0; row < rows; row++) times[row] = await one(row * 7)
    rounds.push(times.sort())
  }
  const best = rounds.reduce((a, b) =>
    (a[Math.ceil(rows * 0.99) - 1] as number) <= (b[Math.ceil(rows * 0.99) - 1] as number) ? a : b,
  )
  return { p50: best[rows / 2] as number, p99: best[Math.ceil(rows * 0.99) - 1] as number, rows: rows * 3 }
}

/** Replays the golden rows: the greatest difference relative to max(1, |expected|); Infinity when a row is answered otherwise altogether. */
export async function replayGolden(
  scorer: Scorer,
  golden: GoldenRows,
): Promise<{ rows: number; worst: number; tolerance: number }> {
  const columns = new Map(
    scorer.signature.inputs.map(({ name, type }): [string, Column] => {
      const values = golden.inputs[name] ?? []
      if (type !== 'string')
        return [name, { kind: 'number', values: Float32Array.from(values, (value) => (value === null ? NaN : Number(value))) }]
      const words = [...new Set(values.filter((value) => value !== null).map(String))]
      return [
        name,
        { kind: 'text', words, codes: Int32Array.from(values, (value) => (value === null ? -1 : words.indexOf(String(value)))) },
      ]
    }),
  )
  const given = await scorer.score({ rows: golden.rows, columns })
  const expected = 'value' in golden.outputs ? golden.outputs.value : golden.outputs.probabilities.flat()
  const worst = expected.reduce((most, value, at) => {
    const difference = Math.abs((given[at] ?? NaN) - value) / Math.max(1, Math.abs(value))
    return Number.isNaN(difference) ? Infinity : Math.max(most, difference)
  }, 0)
  return {
    rows: golden.rows,
    worst: expected.length === given.length ? worst : Infinity,
    tolerance: Math.min(Math.max(golden.tolerance, 0), 1e-3),
  }
}
