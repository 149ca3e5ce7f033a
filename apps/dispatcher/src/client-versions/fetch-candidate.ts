import { inspectModel, UnsafeModel, type ModelFacts, type ModelSignature } from '@cascata/onnx'
import { createWriteStream } from 'node:fs'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { matrixInput, probabilitiesIn } from '../gates/match-signature.ts'
import { type Run } from '../runs/run.ts'
import { runFolder } from '../runs/run-folder.ts'
import { RunFailed, type Tools } from '../runs/tools.ts'

/** Puts the model that a client registered where the gates look for a candidate: in place of a first fit. */
export async function fetchCandidate({ registry, config }: Tools, run: Run, version: string): Promise<void> {
  const found = await registry.version(run.namespace, run.model, version)
  if (!found.modelSha256) throw new RunFailed('DISP_NO_CANDIDATE', `Version ${version} has no ONNX file.`)
  const folder = runFolder(config.runs, run.id).output('train-1')
  await mkdir(folder, { recursive: true })
  const path = join(folder, 'model.onnx')
  await pipeline(await registry.blob(found.modelSha256), createWriteStream(`${path}.part`))
  await rename(`${path}.part`, path)
  const signature = found.signature?.inputs ? found.signature : signatureOf(run, await factsOf(path))
  await writeFile(join(folder, 'signature.json'), JSON.stringify(signature))
  await writeFile(join(folder, 'golden.json'), JSON.stringify({ rows: 0, inputs: {}, outputs: { value: [] }, tolerance: 0 }))
}

/** What the file says of itself; a file that must not be loaded says nothing, and the gates say why. */
async function factsOf(path: string): Promise<ModelFacts | undefined> {
  try {
    return inspectModel(await readFile(path))
  } catch (cause) {
    if (cause instanceof UnsafeModel) return undefined
    throw cause
  }
}

/**
 * The signature of a model that came without one: its own inputs, typed as the columns of their names are;
 * of a model with one float matrix, the model's columns in their order.
 */
function signatureOf({ inputs: columns, spec }: Run, facts: ModelFacts | undefined): ModelSignature {
  const types = new Map(columns.map(({ name, type }) => [name, type]))
  const named = (facts?.inputs ?? []).map(({ name, elementType }) => ({
    name,
    type: types.get(name) ?? (elementType === 8 ? 'string' : 'float'),
    nullable: true,
  }))
  const isMatrix = facts !== undefined && matrixInput(facts, columns) !== undefined
  const inputs = isMatrix ? columns.map(({ name, type }) => ({ name, type, nullable: true })) : named
  if (spec.task === 'regression') return { inputs, outputs: [] }
  const width = spec.task === 'binary' ? 2 : Math.max(2, (facts && probabilitiesIn(facts)?.shape[1]) ?? 2)
  return { inputs, outputs: [], classes: Array.from({ length: width }, (_, index) => index) }
}
