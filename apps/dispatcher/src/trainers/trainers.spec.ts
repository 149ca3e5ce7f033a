import { inspectModel, type ModelSignature } from '@cascata/onnx'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '@cascata/statistics'
import { columnOf, wordAt, type Column, type ColumnSpec, type Frame } from '../frames/frame.ts'
import { gbdt } from './gbdt/boost.ts'
import { type Learner } from './learner.ts'
import { linear } from './linear/fit.ts'
import { modelFiles } from './outputs.ts'
import { answersOf, lossesOf, mean, targetOf, type Target, type Task } from './target.ts'

const features: ColumnSpec[] = [
  { name: 'v__distance', type: 'double', role: 'feature' },
  { name: 'v__late', type: 'bool', role: 'feature' },
  { name: 'v__at', type: 'timestamp', role: 'feature' },
  { name: 'v__carrier', type: 'string', role: 'feature' },
]
const carriers = ['AA', 'DL', 'UA', 'WN', 'é✈']

/** A frame whose label depends on every column, with missing values in each. */
function made(rows: number, seed: number, task: Task, labelText = false): Frame {
  const { next } = seededRandom(seed)
  const number = (make: () => number): Float32Array => Float32Array.from({ length: rows }, () => (next() < 0.1 ? NaN : make()))
  const distance = number(() => Math.round(next() * 3_000))
  const late = number(() => (next() < 0.3 ? 1 : 0))
  const at = number(() => 9.8e11 + next() * 1e10)
  const codes = Int32Array.from({ length: rows }, () => (next() < 0.1 ? -1 : Math.floor(next() ** 2 * carriers.length)))
  const score = (row: number): number =>
    (Number.isNaN(distance[row]) ? -0.5 : (distance[row] as number) / 1_500 - 1) +
    (late[row] === 1 ? 1 : 0) +
    [0.4, -1, 1.5, 0, -0.3, 0][(codes[row] as number) + 1]!
  const label = Float32Array.from({ length: rows }, (_, row) => {
    const noisy = score(row) + (next() - 0.5) * 0.8
    return task === 'regression'
      ? 1_000 + 300 * noisy
      : task === 'binary'
        ? Number(noisy > 0)
        : noisy < -0.7
          ? 3
          : noisy < 0.6
            ? 5
            : 9
  })
  const labelColumn: Column = labelText
    ? { kind: 'text', words: ['no', 'yes'], codes: Int32Array.from(label) }
    : { kind: 'number', values: label }
  return {
    rows,
    columns: new Map<string, Column>([
      ['v__distance', { kind: 'number', values: distance }],
      ['v__late', { kind: 'number', values: late }],
      ['v__at', { kind: 'number', values: at }],
      ['v__carrier', { kind: 'text', words: carriers, codes }],
      ['label', labelColumn],
    ]),
  }
}

/** Values that no training row had. */
const strange = (): Frame => ({
  rows: 5,
  columns: new Map<string, Column>([
    ['v__distance', { kind: 'number', values: Float32Array.of(NaN, -1e30, 1e30, Infinity, 0) }],
    ['v__late', { kind: 'number', values: Float32Array.of(NaN, 2, -1, 0.5, 0) }],
    ['v__at', { kind: 'number', values: Float32Array.of(NaN, 0, 4e12, NaN, 9.8e11) }],
    ['v__carrier', { kind: 'text', words: ['ZZ', 'a '.repeat(200)], codes: Int32Array.of(-1, 0, 1, 0, -1) }],
  ]),
})

const noProgress = (): void => undefined
const fit = (learner: Learner, frame: Frame, target: Target, more: Record<string, unknown> = {}, seed = 1) => {
  const validation = made(500, 2, target.task, target.task !== 'regression' && target.classes.of === 'text')
  const known = target.task === 'regression' ? undefined : target.classes
  return learner.fit({
    features,
    frame,
    target,
    validation: { frame: validation, target: targetOf(validation, 'label', target.task, known) },
    params: more,
    seed,
    progress: noProgress,
  })
}

async function byRuntime(
  model: Uint8Array,
  frame: Frame,
  { outputs }: ModelSignature,
): Promise<Record<string, ArrayLike<unknown>>> {
  const session = await InferenceSession.create(model)
  const feeds = Object.fromEntries(
    features.map(({ name }) => {
      const column = columnOf(frame, name)
      if (column.kind === 'number') return [name, new Tensor('float32', column.values, [frame.rows, 1])]
      return [
        name,
        new Tensor(
          'string',
          Array.from({ length: frame.rows }, (_, row) => wordAt(column, row)),
          [frame.rows, 1],
        ),
      ]
    }),
  )
  const answer = await session.run(feeds)
  expect(session.outputNames).toEqual(outputs.map(({ name }) => name))
  return Object.fromEntries(Object.entries(answer).map(([name, tensor]) => [name, tensor.data as ArrayLike<unknown>]))
}

const tasks = [
  ['binary', false],
  ['binary', true],
  ['multiclass', false],
  ['regression', false],
] as const

describe.each([gbdt, linear])('$name', (learner) => {
  it.each(tasks)(
    'exports a %s model (text label: %s) that answers as its scorer, missing and unknown values included',
    async (task, labelText) => {
      const frame = made(2_000, 1, task, labelText)
      const target = targetOf(frame, 'label', task)
      const fitted = fit(learner, frame, target)
      const { model, signature, golden } = modelFiles(fitted, features, target, frame, 'test')
      expect(inspectModel(model).inputs.map(({ name }) => name)).toEqual(features.map(({ name }) => name))
      for (const rows of [made(700, 3, task, labelText), strange()]) {
        const expected = answersOf(fitted.raw(rows), target)
        const answers = await byRuntime(model, rows, signature)
        const given = (task === 'regression' ? answers.value : answers.probabilities) as Float32Array
        expect(given).toHaveLength(expected.length)
        given.forEach((value, at) =>
          expect(Math.abs(value - expected[at]!) / Math.max(1, Math.abs(expected[at]!))).toBeLessThan(1e-6),
        )
        if (target.task !== 'regression')
          expect(target.classes.values).toContain(target.classes.of === 'text' ? answers.label![0] : Number(answers.label![0]))
      }
      expect(golden.rows).toBe(100)
      expect(golden.inputs['v__carrier']).toContain(null)
    },
  )

  it('gives the same bytes for the same seed', () => {
    const bytes = (seed: number): Uint8Array => {
      const frame = made(1_500, 1, 'binary')
      const target = targetOf(frame, 'label', 'binary')
      const sampled = learner.name === 'gbdt' ? { rowShare: 0.7, featureShare: 0.75, trees: 30 } : {}
      return modelFiles(fit(learner, frame, target, sampled, seed), features, target, frame, 'test').model
    }
    expect(Buffer.from(bytes(1)).equals(bytes(1))).toBe(true)
    if (learner.name === 'gbdt') expect(Buffer.from(bytes(1)).equals(bytes(2))).toBe(false)
  })

  it.each(tasks)('learns: %s (text label: %s) is far better than always the same answer', (task, labelText) => {
    const frame = made(4_000, 1, task, labelText)
    const target = targetOf(frame, 'label', task)
    const other = made(1_000, 9, task, labelText)
    const known = target.task === 'regression' ? undefined : target.classes
    const otherTarget = targetOf(other, 'label', task, known)
    const loss = mean(lossesOf(fit(learner, frame, target).raw(other), otherTarget))
    const constant = mean(lossesOf(constantScores(target, other.rows), otherTarget))
    expect(loss).toBeLessThan(constant * (learner.name === 'gbdt' ? 0.45 : 0.75))
  })

  it('survives columns that are constant, all missing, or of one category', async () => {
    const frame = made(300, 1, 'binary')
    const flat: Frame = {
      rows: 300,
      columns: new Map<string, Column>([
        ...frame.columns,
        ['v__distance', { kind: 'number', values: new Float32Array(300).fill(NaN) }],
        ['v__at', { kind: 'number', values: new Float32Array(300).fill(7) }],
        ['v__late', { kind: 'number', values: new Float32Array(300).fill(0) }],
        ['v__carrier', { kind: 'text', words: [], codes: new Int32Array(300).fill(-1) }],
      ]),
    }
    const target = targetOf(flat, 'label', 'binary')
    const fitted = fit(learner, flat, target)
    const { model, signature } = modelFiles(fitted, features, target, flat, 'test')
    const answers = await byRuntime(model, strange(), signature)
    const expected = answersOf(fitted.raw(strange()), target)
    expect(
      [...(answers.probabilities as Float32Array)]
        .map((value, at) => Math.abs(value - expected[at]!))
        .every((difference) => difference < 1e-6),
    ).toBe(true)
  })

  it('refuses parameters that it does not know', () => {
    const frame = made(100, 1, 'binary')
    expect(() => fit(learner, frame, targetOf(frame, 'label', 'binary'), { n_estimators: 3 })).toThrow(/n_estimators/)
  })
})

function constantScores(target: Target, rows: number): Float64Array {
  if (target.task === 'regression') return new Float64Array(rows).fill(mean(target.y))
  if (target.task === 'binary') return new Float64Array(rows).fill(Math.log(mean(target.y) / (1 - mean(target.y))))
  const shares = target.classes.values.map((_, index) => mean(target.y.map((label) => Number(label === index))))
  return Float64Array.from({ length: rows * shares.length }, (_, at) => Math.log(shares[at % shares.length]!))
}

describe('labels', () => {
  it('are refused when they are all the same, missing, or of too many kinds', () => {
    const frame = made(100, 1, 'binary')
    const labelled = (values: number[]): Frame => ({
      ...frame,
      columns: new Map([...frame.columns, ['label', { kind: 'number', values: Float32Array.from(values) }]]),
    })
    expect(() => targetOf(labelled([1, 1, 1]), 'label', 'binary')).toThrow('same label (1)')
    expect(() => targetOf(labelled([0, 1, 2]), 'label', 'binary')).toThrow('has 3')
    expect(() => targetOf(labelled([0, 1, NaN]), 'label', 'binary')).toThrow('no label')
  })
})
