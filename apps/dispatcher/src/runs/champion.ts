import { createWriteStream, existsSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type Run } from './run.ts'
import { RunFailed, type Tools } from './tools.ts'

/**
 * Fetches the files of a version into `folder`, unless they are there.
 *
 * @returns Its inputs, and its cutoff (ms since 1970): it has seen observations up to there; null when nobody knows.
 */
export async function fetchChampion(
  { registry }: Tools,
  { namespace, model }: Run,
  version: string,
  folder: string,
): Promise<{ cutoff: number | null; inputs: string[] }> {
  const found = await registry.version(namespace, model, version)
  if (!found.modelSha256 || !found.signature)
    throw new RunFailed('DISP_CHAMPION_UNKNOWN', `Version ${version} has no model file or signature.`)
  const path = join(folder, 'model.onnx')
  if (!existsSync(path)) {
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'signature.json'), JSON.stringify(found.signature))
    await writeFile(join(folder, 'golden.json'), JSON.stringify({ rows: 0, inputs: {}, outputs: { value: [] }, tolerance: 0 }))
    await pipeline(await registry.blob(found.modelSha256), createWriteStream(`${path}.part`))
    await rename(`${path}.part`, path)
  }
  return {
    cutoff: found.cutoff === null ? null : Date.parse(found.cutoff),
    inputs: found.signature.inputs.map(({ name }) => name),
  }
}
