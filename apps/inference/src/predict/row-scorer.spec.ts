import { describe, expect, it } from 'vitest'
import { type LoadedModel } from '../models/engine.ts'
import { layoutOf, readSignature, signatureOf, withNullable } from '../models/signature.ts'
import { type Tensor, type TensorSpec } from '../protocol/tensors.ts'
import { rowScorer, tensorsOf } from './row-scorer.ts'

const spec = (name: string, datatype: TensorSpec['datatype'], shape: number[]): TensorSpec => ({ name, datatype, shape })
const signature = { inputs: ['a', 'b', 'c'].map((name) => ({ name, type: 'double', nullable: name === 'b' })) }
const columns = [spec('a', 'FP32', [-1, 1]), spec('b', 'BYTES', [-1, 1]), spec('c', 'INT64', [-1])]

describe('rows of columns', () => {
  it('become a tensor a column: missing is NaN or empty, true is 1, a time is ms', () => {
    const rows = [
      { a: true, b: 'x', c: 3 },
      { a: '2001-01-01T00:00:00Z', b: null, c: 4 },
    ]
    expect(tensorsOf(rows, columns, 'columns', signature)).toMatchObject([
      { name: 'a', shape: [2, 1], data: Float32Array.of(1, 978_307_200_000) },
      { name: 'b', shape: [2, 1], data: ['x', ''] },
      { name: 'c', shape: [2], data: BigInt64Array.of(3n, 4n) },
    ])
    expect([...tensorsOf([{}], [columns[0]!], 'columns', signature)[0]!.data]).toEqual([NaN])
  })
  it('become one matrix in the order of the signature', () => {
    expect(tensorsOf([{ c: 3, a: 1, b: 2 }], [spec('x', 'FP32', [-1, 3])], 'matrix', signature)).toMatchObject([
      { shape: [1, 3], data: Float32Array.of(1, 2, 3) },
    ])
  })
})

it('knows how a signature fits a graph', () => {
  expect(layoutOf(signature, columns)).toBe('columns')
  expect(layoutOf(signature, [spec('x', 'FP32', [-1, 3])])).toBe('matrix')
  expect(layoutOf(signature, [spec('x', 'FP32', [-1, 4])])).toBeUndefined()
  expect(layoutOf(signature, [spec('x', 'BYTES', [-1, 3])])).toBeUndefined()
  expect(layoutOf(undefined, columns)).toBeUndefined()
  expect(withNullable(columns, signature, 'columns').map(({ nullable }) => nullable)).toEqual([false, true, false])
  expect(withNullable([spec('x', 'FP32', [-1, 3])], signature, 'matrix')[0]!.nullable).toBe(true)
  expect(() => readSignature({ inputs: [{ name: 1 }] })).toThrow('signature is not legal')
})

it('takes the inputs of a version without a signature for columns, when each has one value a row', () => {
  const inputs = [spec('a', 'FP32', [-1, 1]), spec('b', 'BYTES', [-1, 1]), spec('c', 'INT64', [-1, 1])]
  const types = [
    { name: 'a', type: 'double' },
    { name: 'b', type: 'string' },
    { name: 'c', type: 'int' },
  ]
  expect(signatureOf(inputs)).toEqual({ inputs: types })
  expect(layoutOf(signatureOf(inputs), inputs)).toBe('columns')
  for (const other of [[], [spec('x', 'FP32', [-1, 3])], [spec('x', 'FP32', [-1, -1])]])
    expect(signatureOf(other)).toBeUndefined()
})

describe('the scorer', () => {
  const model = (run: (tensors: readonly Tensor[], rows: number) => Tensor[]) => {
    const batches: number[] = []
    const loaded = {
      run: async (tensors: readonly Tensor[], rows: number) => (batches.push(rows), run(tensors, rows)),
    } as unknown as LoadedModel
    return {
      batches,
      scorer: rowScorer(loaded, [spec('a', 'FP32', [-1, 1])], 'columns', {
        inputs: [{ name: 'a', type: 'double' }],
        classes: ['no', 'yes'],
      }),
    }
  }
  const values = (name: string, shape: number[], data: Tensor['data']): Tensor => ({
    name,
    datatype: Array.isArray(data) ? 'BYTES' : 'FP32',
    shape,
    data,
    missing: false,
  })

  it('runs rows of concurrent calls together and gives each its own answer', async () => {
    const { batches, scorer } = model(([a], rows) => [
      values(
        'value',
        [rows, 1],
        (a!.data as Float32Array).map((value) => value * 2),
      ),
    ])
    expect(await Promise.all([1, 2, 3].map((a) => scorer.score({ a })))).toEqual([
      { prediction: 2 },
      { prediction: 4 },
      { prediction: 6 },
    ])
    expect(batches).toEqual([3])
  })

  it('lets a row that breaks its batch harm nobody else', async () => {
    const { scorer } = model(([a], rows) => {
      if ((a!.data as Float32Array).includes(13)) throw new Error('unlucky')
      return [values('value', [rows, 1], a!.data)]
    })
    const [one, two] = await Promise.allSettled([scorer.score({ a: 1 }), scorer.score({ a: 13 })])
    expect(one).toEqual({ status: 'fulfilled', value: { prediction: 1 } })
    expect(two).toMatchObject({ status: 'rejected' })
  })

  it('says the probability of the positive class, or of each', async () => {
    const binary = model((_tensors, rows) => [
      values('label', [rows], Array(rows).fill('yes')),
      values('probabilities', [rows, 2], Float32Array.of(0.25, 0.75)),
    ])
    expect(await binary.scorer.score({ a: 1 })).toEqual({ prediction: 'yes', probability: 0.75 })
    const more = model((_tensors, rows) => [
      values('label', [rows], Array(rows).fill('no')),
      values('probabilities', [rows, 3], Float32Array.of(0.5, 0.25, 0.25)),
    ])
    expect(await more.scorer.score({ a: 1 })).toEqual({ prediction: 'no', probability: { no: 0.5, yes: 0.25, 2: 0.25 } })
  })

  it.each<[string, Tensor[]]>([
    ['NaN', [values('value', [1, 1], Float32Array.of(NaN))]],
    ['too few rows', [values('value', [0, 1], new Float32Array())]],
    ['nothing', []],
    ['a probability of NaN', [values('label', [1], ['yes']), values('probabilities', [1, 2], Float32Array.of(NaN, NaN))]],
  ])('refuses an answer of %s', async (_name, outputs) => {
    await expect(model(() => outputs).scorer.score({ a: 1 })).rejects.toMatchObject({ code: 'INF_MODEL_OUTPUT' })
  })
})
