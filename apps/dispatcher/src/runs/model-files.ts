import { type GoldenRows, type ModelSignature } from '@cascata/onnx'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { type Failure } from './run.ts'

export interface JobFolderFiles {
  /** metrics.json as it is: logged, never trusted. */
  report: Record<string, unknown>
  /** Its numbers under `metrics`. */
  metrics: Record<string, number>
  fitted: Record<string, unknown>
}

type ReadModel = { is: 'good'; files: JobFolderFiles } | { is: 'bad'; failure: Failure; again: boolean }

const largestJson = 8 * 2 ** 20

const signature: z.ZodType<ModelSignature> = z.object({
  inputs: z.array(z.object({ name: z.string().min(1), type: z.string().min(1), nullable: z.boolean().default(true) })).max(2_000),
  outputs: z
    .array(z.object({ name: z.string().min(1), type: z.enum(['float', 'int64', 'string']), shape: z.array(z.int()) }))
    .min(1),
  classes: z.array(z.union([z.string(), z.number(), z.boolean().transform(Number)])).optional(),
})

const scalar = z.union([z.string(), z.number(), z.null()])
const golden: z.ZodType<GoldenRows> = z.object({
  rows: z.int().min(1).max(1_000),
  inputs: z.record(z.string(), z.array(scalar)),
  outputs: z.union([
    z.object({ probabilities: z.array(z.array(z.number())), label: z.array(z.union([z.string(), z.number()])) }),
    z.object({ value: z.array(z.number()) }),
  ]),
  tolerance: z.number().min(0).default(1e-5),
})

const report = z.looseObject({
  metrics: z.record(z.string(), z.unknown()).default({}),
  fitted: z.record(z.string(), z.unknown()).default({}),
})

/** Looks at what a trainer left: all files there, of a size, and of the right form. Nothing of the model is loaded here. */
export async function readModelFiles(folder: string, modelLimit: number): Promise<ReadModel> {
  const size = await sizeOf(join(folder, 'model.onnx'))
  if (size === undefined || size === 0) return bad('TRAINER_NO_MODEL', 'The trainer ended well and left no model.onnx.')
  if (size > modelLimit) return bad('TRAINER_MODEL_TOO_LARGE', `The model has ${size} bytes; at most ${modelLimit} are allowed.`)
  const read = [await readAs(folder, 'signature.json', signature), await readAs(folder, 'golden.json', golden)]
  const wrong = read.find((each) => typeof each === 'string')
  if (typeof wrong === 'string') return bad('TRAINER_BAD_OUTPUT', wrong)
  const metrics = await readAs(folder, 'metrics.json', report)
  if (typeof metrics === 'string') return bad('TRAINER_BAD_OUTPUT', metrics)
  return { is: 'good', files: { report: metrics, metrics: numbersOf(metrics.metrics), fitted: metrics.fitted } }
}

export const readSignature = async (folder: string): Promise<ModelSignature> => {
  const read = await readAs(folder, 'signature.json', signature)
  if (typeof read === 'string') throw new Error(read)
  return read
}

const bad = (code: string, message: string): ReadModel => ({ is: 'bad', failure: { code, message }, again: false })

const sizeOf = async (path: string): Promise<number | undefined> => {
  try {
    const found = await stat(path)
    return found.isFile() ? found.size : undefined
  } catch {
    return undefined
  }
}

/** The file's content, or what is wrong with it. */
async function readAs<T>(folder: string, name: string, schema: z.ZodType<T>): Promise<T | string> {
  const size = await sizeOf(join(folder, name))
  if (size === undefined) return `The trainer left no ${name}.`
  if (size > largestJson) return `${name} has ${size} bytes; at most ${largestJson} are allowed.`
  try {
    const parsed = schema.safeParse(JSON.parse(await readFile(join(folder, name), 'utf8')))
    return parsed.success ? parsed.data : `${name}: ${z.prettifyError(parsed.error).slice(0, 1_000)}`
  } catch (cause) {
    return `${name} is not JSON: ${(cause as Error).message}`
  }
}

const numbersOf = (values: Record<string, unknown>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(values).filter((each): each is [string, number] => typeof each[1] === 'number' && Number.isFinite(each[1])),
  )
