import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { inspectModel } from '@cascata/onnx'
import type ort from 'onnxruntime-node'
import { kinds, type Tensor, type TensorSpec } from '../protocol/tensors.ts'
import { decideGolden, goldenTensors } from './decide-golden.ts'
import { type ModelFile, type TrialOptions, type TrialReport } from './host-messages.ts'
import { ModelRefused } from './model-refused.ts'
import { createSession, runSession, specsOf } from './onnx-tensors.ts'

/** The file's bytes, when they are the ones that were registered. */
export async function readVerified({ path, sha256 }: ModelFile): Promise<Buffer> {
  const bytes = await readFile(path)
  const found = createHash('sha256').update(bytes).digest('hex')
  if (found !== sha256) throw new ModelRefused('INF_MODEL_CORRUPT', `The model file hashes to ${found}, not to ${sha256}.`)
  return bytes
}

/**
 * Everything that a version must pass before any traffic: right bytes, safe graph, loads, answers its golden rows, runs warm.
 * Its caller is a process of its own with a memory limit, and waits only so long.
 *
 * @throws ModelRefused, or UnsafeModel of @cascata/onnx
 */
export async function tryModel(file: ModelFile, { golden, tolerance }: TrialOptions): Promise<TrialReport> {
  const bytes = await readVerified(file)
  const facts = inspectModel(bytes)
  const began = process.cpuUsage()
  const session = await load(bytes)
  const { user, system } = process.cpuUsage(began)
  const loadMs = (user + system) / 1000
  try {
    const [inputs, outputs] = [specsOf(session.inputMetadata), specsOf(session.outputMetadata)]
    const goldenRows = golden ? await replay(session, inputs, golden, tolerance) : 0
    return {
      inputs,
      outputs,
      operators: facts.operators,
      bytes: bytes.length,
      loadMs,
      goldenRows,
      ...(await warmUp(session, inputs)),
    }
  } finally {
    await session.release()
  }
}

async function load(bytes: Uint8Array): Promise<ort.InferenceSession> {
  try {
    return await createSession(bytes)
  } catch (error) {
    throw new ModelRefused('INF_MODEL_LOAD_FAILED', `ONNX Runtime does not load the model: ${firstLine(error)}`)
  }
}

async function replay(
  session: ort.InferenceSession,
  inputs: TensorSpec[],
  golden: NonNullable<TrialOptions['golden']>,
  tolerance: number,
): Promise<number> {
  const tensors = attempt(() => goldenTensors(golden, inputs))
  const outputs = await run(session, tensors)
  const verdict = decideGolden(golden, outputs, golden.tolerance ?? tolerance)
  if (!verdict.same)
    throw new ModelRefused(
      'INF_GOLDEN_MISMATCH',
      `Golden row ${verdict.row}: output ${verdict.output} is ${JSON.stringify(verdict.got)}, was ${JSON.stringify(verdict.expected)}.`,
      { ...verdict },
    )
  return tensors[0]?.shape[0] ?? 0
}

/** The quickest of a few runs of one row and of 64 rows: what a busy machine adds is no property of the model. A fixed batch is measured at its own size. */
async function warmUp(session: ort.InferenceSession, inputs: TensorSpec[]): Promise<{ runMs: number; rowMs: number }> {
  const runMs = await quickest(session, zeros(inputs, 1))
  const many = inputs.some(({ shape }) => shape[0] === -1) ? 64 : 1
  if (many === 1) return { runMs, rowMs: runMs }
  return { runMs, rowMs: Math.max(0, ((await quickest(session, zeros(inputs, many))) - runMs) / (many - 1)) }
}

async function quickest(session: ort.InferenceSession, tensors: Tensor[]): Promise<number> {
  let least = Infinity
  for (let at = 0; at < 9; at++) {
    const began = performance.now()
    await run(session, tensors)
    least = Math.min(least, performance.now() - began)
  }
  return least
}

const zeros = (inputs: TensorSpec[], rows: number): Tensor[] =>
  inputs.map(({ name, datatype, shape: declared }) => {
    const shape = declared.map((length, at) => (length >= 0 ? length : at === 0 ? rows : 1))
    const data = kinds[datatype].create(shape.reduce((product, length) => product * length, 1))
    if (Array.isArray(data)) data.fill('')
    return { name, datatype, shape, data, missing: false }
  })

async function run(session: ort.InferenceSession, tensors: Tensor[]): Promise<Tensor[]> {
  try {
    return await runSession(session, tensors)
  } catch (error) {
    throw new ModelRefused('INF_MODEL_RUN_FAILED', `The model fails on its trial rows: ${firstLine(error)}`)
  }
}

function attempt<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    throw new ModelRefused('INF_GOLDEN_MISMATCH', firstLine(error))
  }
}

export const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n', 1)[0]!.slice(0, 500)
