import { type GoldenRows, type ModelSignature } from '@cascata/onnx'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { columnOf, takeRows, wordAt, type ColumnSpec, type Frame } from '../frames/frame.ts'
import { exportModel } from './export-model.ts'
import { type Fitted } from './learner.ts'
import { answersOf, type Target } from './target.ts'

/** Rows of golden.json. */
const goldenCount = 100

export interface ModelFiles {
  model: Uint8Array
  signature: ModelSignature
  golden: GoldenRows
}

/** The files of a fitted model; the golden rows are spread evenly over `frame`. */
export function modelFiles(
  fitted: Fitted,
  features: readonly ColumnSpec[],
  target: Target,
  frame: Frame,
  producer: string,
): ModelFiles {
  const count = Math.min(goldenCount, frame.rows)
  const rows = Int32Array.from({ length: count }, (_, at) => Math.floor((at * frame.rows) / count))
  const few = takeRows(frame, rows)
  return {
    model: exportModel(fitted.graph(), features, target, producer),
    signature: signatureOf(features, target),
    golden: {
      rows: count,
      inputs: Object.fromEntries(features.map(({ name }) => [name, valuesOf(few, name)])),
      outputs: outputsOf(fitted.raw(few), target),
      tolerance: 1e-5,
    },
  }
}

function signatureOf(features: readonly ColumnSpec[], target: Target): ModelSignature {
  const inputs = features.map(({ name, type }) => ({ name, type, nullable: true }))
  if (target.task === 'regression') return { inputs, outputs: [{ name: 'value', type: 'float', shape: [-1, 1] }] }
  const { classes } = target
  return {
    inputs,
    outputs: [
      { name: 'label', type: classes.of === 'text' ? 'string' : 'int64', shape: [-1] },
      { name: 'probabilities', type: 'float', shape: [-1, classes.values.length] },
    ],
    classes: classes.values,
  }
}

function valuesOf(frame: Frame, name: string): (string | number | null)[] {
  const column = columnOf(frame, name)
  return Array.from({ length: frame.rows }, (_, row) => {
    if (column.kind === 'text') return wordAt(column, row) || null
    const value = column.values[row] as number
    return Number.isFinite(value) ? value : null
  })
}

function outputsOf(raw: Float64Array, target: Target): GoldenRows['outputs'] {
  const answers = answersOf(raw, target)
  if (target.task === 'regression') return { value: [...answers] }
  const k = target.classes.values.length
  const probabilities = Array.from({ length: answers.length / k }, (_, row) => [...answers.subarray(row * k, row * k + k)])
  return {
    probabilities,
    label: probabilities.map((row) => target.classes.values[row.indexOf(Math.max(...row))] as string | number),
  }
}

/** Writes each file whole under its name: a reader never sees half of one. */
export async function writeFiles(folder: string, { model, signature, golden }: ModelFiles, metrics: object): Promise<void> {
  await mkdir(folder, { recursive: true })
  const whole = async (name: string, content: Uint8Array | string): Promise<void> => {
    await writeFile(join(folder, `${name}.part`), content)
    await rename(join(folder, `${name}.part`), join(folder, name))
  }
  await whole('signature.json', JSON.stringify(signature))
  await whole('golden.json', JSON.stringify(golden))
  await whole('metrics.json', JSON.stringify(metrics))
  await whole('model.onnx', model)
}
