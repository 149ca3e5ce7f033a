import { type LoadedModel } from '../models/engine.ts'
import { type Layout, type Signature } from '../models/signature.ts'
import { kinds, type Elements, type Tensor, type TensorSpec } from '../protocol/tensors.ts'
import { wrongOutput } from '../errors.ts'
import { type Scalar } from './columns.ts'

export type ColumnValues = Readonly<Record<string, Scalar>>

/** What a version says of one row. `probability`: of the positive class, or by class. */
export interface Scored {
  prediction: Scalar | Scalar[]
  probability?: number | Record<string, number>
}

/** Scores rows of columns. Rows of concurrent calls run together: by the contract of a model by columns a row does not depend on its neighbours. */
export interface RowScorer {
  /** @throws CodedError, ModelRefused or Error of the run */
  score(row: ColumnValues): Promise<Scored>
}

interface Waiting {
  row: ColumnValues
  resolve(scored: Scored): void
  reject(error: unknown): void
}

const most = 4_096

export function rowScorer(loaded: LoadedModel, inputs: readonly TensorSpec[], layout: Layout, signature: Signature): RowScorer {
  let waiting: Waiting[] = []
  let scheduled = false

  const run = async (batch: Waiting[]): Promise<void> => {
    try {
      const rows = batch.map(({ row }) => row)
      const outputs = await loaded.run(tensorsOf(rows, inputs, layout, signature), rows.length)
      const read = outputReader(outputs, rows.length, signature.classes)
      batch.forEach((each, at) => {
        try {
          each.resolve(read(at))
        } catch (error) {
          each.reject(error)
        }
      })
    } catch (error) {
      if (batch.length === 1) return batch[0]!.reject(error)
      for (const each of batch) await run([each])
    }
  }
  const flush = () => {
    scheduled = false
    const batch = waiting.length > most ? waiting.slice(0, most) : waiting
    waiting = waiting.length > most ? waiting.slice(most) : []
    if (waiting.length > 0) schedule()
    void run(batch)
  }
  const schedule = () => {
    if (scheduled) return
    scheduled = true
    setImmediate(flush)
  }
  return {
    score: (row) =>
      new Promise((resolve, reject) => {
        waiting.push({ row, resolve, reject })
        schedule()
      }),
  }
}

/** A value as a model's number: true is 1, a time is ms since 1970, missing is NaN. */
const numberOf = (value: Scalar | undefined): number => {
  if (value === null || value === undefined) return NaN
  return typeof value === 'string' ? Date.parse(value) : Number(value)
}

/** Rows of columns as a model's tensors: an input a column [n, 1], or one matrix [n, k] of all columns in the signature's order. */
export function tensorsOf(
  rows: readonly ColumnValues[],
  inputs: readonly TensorSpec[],
  layout: Layout,
  signature: Signature,
): Tensor[] {
  if (layout === 'matrix') return [matrixOf(rows, inputs[0]!, signature)]
  return inputs.map(({ name, datatype, shape }) => {
    const { is, create } = kinds[datatype]
    const data = create(rows.length)
    rows.forEach((row, at) => put(data, at, row[name], is))
    return { name, datatype, shape: shape.length === 1 ? [rows.length] : [rows.length, 1], data, missing: false }
  })
}

function matrixOf(rows: readonly ColumnValues[], { name, datatype }: TensorSpec, { inputs: columns }: Signature): Tensor {
  const data = kinds[datatype].create(rows.length * columns.length)
  rows.forEach((row, at) => columns.forEach((column, index) => put(data, at * columns.length + index, row[column.name], 'float')))
  return { name, datatype, shape: [rows.length, columns.length], data, missing: false }
}

function put(data: Elements, at: number, value: Scalar | undefined, is: (typeof kinds)['FP32']['is']): void {
  const target = data as Record<number, unknown>
  if (is === 'text') target[at] = value === null || value === undefined ? '' : String(value)
  else if (is === 'bigint') target[at] = BigInt(Math.trunc(numberOf(value)))
  else target[at] = numberOf(value)
}

const labelNames = new Set(['label', 'output_label'])
const probabilityNames = new Set(['probabilities', 'output_probability', 'probability'])

/** Reads predictions by row: `label` and `probabilities`, or the first output. */
function outputReader(outputs: readonly Tensor[], rows: number, classes: Signature['classes']): (row: number) => Scored {
  const label = outputs.find(({ name }) => labelNames.has(name)) ?? outputs[0]
  const probabilities = outputs.find(({ name }) => probabilityNames.has(name))
  if (!label || label.shape[0] !== rows) throw wrongOutput({ reason: `${rows} rows in, ${label?.shape[0] ?? 'no'} rows out` })
  return (row) => {
    const prediction = valueAt(label, row, rows)
    if (!probabilities || probabilities === label) return { prediction }
    return { prediction, probability: probabilityAt(probabilities, row, rows, classes) }
  }
}

function valueAt({ data, datatype }: Tensor, row: number, rows: number): Scalar | Scalar[] {
  const width = data.length / rows
  const values = Array.from({ length: width }, (_, at) => scalarOf(data[row * width + at]!, datatype))
  return width === 1 ? values[0]! : values
}

function scalarOf(element: string | number | bigint, datatype: Tensor['datatype']): Scalar {
  if (typeof element === 'number' && !Number.isFinite(element)) throw wrongOutput({ reason: `${element} is no prediction` })
  if (datatype === 'BOOL') return element === 1
  return typeof element === 'bigint' ? Number(element) : element
}

function probabilityAt(
  { data }: Tensor,
  row: number,
  rows: number,
  classes: Signature['classes'],
): number | Record<string, number> {
  const width = data.length / rows
  const values = Array.from({ length: width }, (_, at) => Number(data[row * width + at]))
  if (values.some((value) => !Number.isFinite(value))) throw wrongOutput({ reason: 'a probability is not a number' })
  if (width === 1) return values[0]!
  if (width === 2) return values[positiveOf(classes)]!
  return Object.fromEntries(values.map((value, at) => [String(classes?.[at] ?? at), value]))
}

/** Of two classes the positive one: `true` or 1 where there is one, else the second. */
const positiveOf = (classes: Signature['classes']): number => {
  const at = classes?.findIndex((each) => each === true || each === 1 || each === 'true' || each === '1') ?? 1
  return at === -1 ? 1 : at
}
