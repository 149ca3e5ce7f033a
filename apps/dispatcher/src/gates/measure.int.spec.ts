import { attribute, elementType, encodeModel, node, tensor, valueInfo, type OnnxNode, type OnnxTensor } from '@cascata/onnx'
import { systemClock } from '@cascata/service'
import { eventually } from '@cascata/testing'
import { DuckDBInstance } from '@duckdb/node-api'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nodeFor } from '../entries.ts'
import { type Exit } from '../executor/executor.ts'
import { processExecutor } from '../executor/process-executor.ts'
import { type ColumnSpec } from '../frames/frame.ts'
import { type Figures, type MeasuredModel } from './figures.ts'
import { type DatasetFiles, type GateRequest, type Measurement } from './measurement.ts'

const home = mkdtempSync(join(tmpdir(), 'measure-'))
const executor = processExecutor({ clock: systemClock })
const columns: ColumnSpec[] = [
  { name: 'v__x', type: 'double', role: 'feature' },
  { name: 'at', type: 'timestamp', role: 'at' },
  { name: 'label', type: 'bool', role: 'label' },
]
const data: DatasetFiles = {
  hash: 'a1',
  task: 'binary',
  label: 'label',
  columns,
  train: [join(home, 'all.parquet')],
  validation: [],
  holdout: [join(home, 'all.parquet')],
}

beforeAll(async () => {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  await connection.run(
    `copy (select (i % 100)::double as "v__x", make_timestamp(978307200000000 + i * 60000000) as at, i % 100 + hash(i) % 60 > 80 as label from range(600) t(i)) to '${data.holdout[0]}' (format parquet)`,
  )
  instance.closeSync()
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

/** A model of one input that answers by `nodes` from `v__x` to `positive` [n, 1]. */
const model = (name: string, nodes: OnnxNode[], initializer: OnnxTensor[] = []): string => {
  const folder = join(home, name)
  mkdirSync(folder, { recursive: true })
  const graph = {
    name,
    node: [
      ...nodes,
      node('Sub', ['one', 'positive'], ['negative']),
      node('Concat', ['negative', 'positive'], ['probabilities'], [attribute.int('axis', 1)]),
      node('ArgMax', ['probabilities'], ['label'], [attribute.int('axis', 1), attribute.int('keepdims', 0)]),
    ],
    initializer: [tensor.float('one', [1], [1]), ...initializer],
    input: [valueInfo('v__x', elementType.float, [null, 1])],
    output: [valueInfo('label', elementType.int64, [null]), valueInfo('probabilities', elementType.float, [null, 2])],
  }
  writeFileSync(join(folder, 'model.onnx'), encodeModel({ irVersion: 8, opsetImport: [{ domain: '', version: 17 }], graph }))
  const outputs = [
    { name: 'label', type: 'int64', shape: [-1] },
    { name: 'probabilities', type: 'float', shape: [-1, 2] },
  ]
  writeFileSync(
    join(folder, 'signature.json'),
    JSON.stringify({ inputs: [{ name: 'v__x', type: 'double', nullable: true }], outputs, classes: [0, 1] }),
  )
  const golden = { rows: 1, inputs: { v__x: [50] }, outputs: { label: [0], probabilities: [[0.5, 0.5]] }, tolerance: 1e-5 }
  writeFileSync(join(folder, 'golden.json'), JSON.stringify(golden))
  return folder
}
const scaled = [tensor.float('fifty', [1], [50]), tensor.float('tenth', [1], [0.1])]
const honest = [
  node('Sub', ['v__x', 'fifty'], ['centred']),
  node('Mul', ['centred', 'tenth'], ['score']),
  node('Sigmoid', ['score'], ['positive']),
]

const request = (candidate: string, champion: GateRequest['champion'] = null): GateRequest => ({
  kind: 'gate',
  output: '',
  data,
  seed: 1,
  metric: 'auc',
  confidence: 0.95,
  fairness: [],
  candidate,
  champion,
})

let count = 0
async function measured(asked: Measurement): Promise<{ exit: Exit; result: Figures | undefined }> {
  const folder = join(home, `job-${++count}`)
  const output = join(folder, 'output')
  mkdirSync(folder)
  writeFileSync(join(folder, 'job.json'), JSON.stringify({ ...asked, output }))
  const limits = { timeoutMs: 30_000, memoryBytes: 600 * 2 ** 20, outputBytes: 2 ** 24, printedBytes: 2 ** 20 }
  const job = {
    id: String(count),
    folder,
    command: nodeFor('gates/measure.worker'),
    cwd: folder,
    env: { CASCATA_JOB: join(folder, 'job.json') },
    limits,
  }
  await executor.submit(job)
  const exit = await eventually(
    async () => {
      const status = await executor.status(job)
      if (status.is !== 'ended') throw new Error('The measurement goes on.')
      return status.exit
    },
    { timeout: 60_000 },
  )
  const result =
    exit.code === 0 && exit.reason === 'exit'
      ? (JSON.parse(readFileSync(join(output, 'result.json'), 'utf8')) as Figures)
      : undefined
  return { exit, result }
}

describe('a model is measured', () => {
  it('beside the champion, on the rows after both cutoffs', async () => {
    const folder = model('honest', honest, scaled)
    const { result } = await measured(
      request(folder, { version: '3', folder, after: Date.parse('2001-01-01T05:00:00Z'), extra: null }),
    )
    expect(result?.candidate).toMatchObject({
      is: 'measured',
      unusable: 0,
      golden: { worst: 0 },
      importance: [{ feature: 'v__x' }],
    })
    expect(result?.champion).toMatchObject({
      is: 'compared',
      version: '3',
      rows: { rows: 299, from: '2001-01-01T05:01:00.000Z' },
      improvement: { value: 0, interval: [0, 0] },
    })
    const again = await measured(request(folder))
    expect(again.result?.holdout).toEqual(result?.holdout)
  })
  it('without a champion that reads what is not there', async () => {
    const folder = model('honest', honest, scaled)
    const other = model('other', honest, scaled)
    writeFileSync(join(other, 'signature.json'), readFileSync(join(other, 'signature.json'), 'utf8').replace('v__x', 'v__y'))
    const { result } = await measured(request(folder, { version: '3', folder: other, after: 0, extra: null }))
    expect(result?.champion).toMatchObject({ is: 'incomparable', reason: 'it reads v__y, which this dataset does not have' })
    expect(result?.candidate.is).toBe('measured')
  })
})

it('measures a model with one float matrix, under the names that converters give, as it does the same model by columns', async () => {
  const byColumns = (await measured(request(model('honest', honest, scaled)))).result!.candidate
  const folder = join(home, 'matrix')
  mkdirSync(folder)
  const [input, label, probabilities] = ['float_input', 'output_label', 'output_probability']
  const graph = {
    name: 'matrix',
    node: [
      node('Sub', [input, 'fifty'], ['centred']),
      node('Mul', ['centred', 'tenth'], ['score']),
      node('Sigmoid', ['score'], ['positive']),
      node('Sub', ['one', 'positive'], ['negative']),
      node('Concat', ['negative', 'positive'], [probabilities], [attribute.int('axis', 1)]),
      node('ArgMax', [probabilities], [label], [attribute.int('axis', 1), attribute.int('keepdims', 0)]),
    ],
    initializer: [tensor.float('one', [1], [1]), ...scaled],
    input: [valueInfo(input, elementType.float, [null, 1])],
    output: [valueInfo(label, elementType.int64, [null]), valueInfo(probabilities, elementType.float, [null, 2])],
  }
  writeFileSync(join(folder, 'model.onnx'), encodeModel({ irVersion: 8, opsetImport: [{ domain: '', version: 17 }], graph }))
  writeFileSync(
    join(folder, 'signature.json'),
    JSON.stringify({ inputs: [{ name: 'v__x', type: 'double', nullable: true }], outputs: [], classes: [0, 1] }),
  )
  writeFileSync(join(folder, 'golden.json'), JSON.stringify({ rows: 0, inputs: {}, outputs: { value: [] }, tolerance: 0 }))
  const { result } = await measured(request(folder))
  expect(result?.candidate).toMatchObject({ is: 'measured', unusable: 0, metrics: (byColumns as MeasuredModel).metrics })
})

describe('a model that is hostile', () => {
  it('by its file or its outputs is refused with a code', async () => {
    const folder = model('loops', [node('Loop', ['v__x'], ['positive'])])
    expect((await measured(request(folder))).result?.candidate).toMatchObject({ is: 'refused', code: 'UNBOUNDED_GRAPH' })
    const scalar = model('one-answer', [node('ReduceMean', ['v__x'], ['positive'], [attribute.int('keepdims', 1)])])
    expect((await measured(request(scalar))).result?.candidate).toMatchObject({ is: 'refused', code: 'UNSUPPORTED_TYPE' })
  })
  it('and allocates without bound ends its own process and nothing else', async () => {
    const nodes = [
      node('ReduceMax', ['v__x'], ['most'], [attribute.int('keepdims', 0)]),
      node('Add', ['most', 'hundred-thousand'], ['many']),
      node('Cast', ['many'], ['size'], [attribute.int('to', elementType.int64)]),
      node('Reshape', ['size', 'flat'], ['one-size']),
      node('Concat', ['one-size', 'one-size'], ['shape'], [attribute.int('axis', 0)]),
      node('ConstantOfShape', ['shape'], ['huge'], [attribute.tensor('value', tensor.float('v', [1], [1]))]),
      node('ReduceMean', ['huge'], ['mean'], [attribute.int('keepdims', 0)]),
      node('Mul', ['v__x', 'mean'], ['positive']),
    ]
    const folder = model('bomb', nodes, [tensor.float('hundred-thousand', [], [100_000]), tensor.int64('flat', [1], [1])])
    const { exit, result } = await measured(request(folder))
    expect(exit.reason === 'memory' || result?.candidate.is === 'refused').toBe(true)
  })
})
