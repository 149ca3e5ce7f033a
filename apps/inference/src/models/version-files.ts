import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { isCodedError, urlPath, type Client } from '@cascata/service'
import { keptJson } from '../routing/kept-state.ts'
import { type Golden } from './decide-golden.ts'
import { type ModelFile } from './host-messages.ts'
import { ModelRefused } from './model-refused.ts'
import { readSignature, type Signature } from './signature.ts'

/** Names a version of a model. */
export interface VersionName {
  namespace: string
  model: string
  version: string
}

export const nameOf = ({ namespace, model, version }: VersionName): string => `${namespace}/${model}/${version}`

/** A version's files on this replica's disk. */
export interface VersionFiles {
  file: ModelFile
  golden: Golden | undefined
  signature: Signature | undefined
  /** Columns that must not be missing: request values that the Model's revision of this version does not call nullable. */
  notNull: readonly string[]
  revision: number | undefined
}

const hash = z.string().regex(/^[0-9a-f]{64}$/)

/** What is read of the registry's record of a version. */
const record = z.object({
  modelSha256: hash,
  goldenSha256: hash.nullish(),
  signature: z.unknown(),
  inputs: z.object({ schema: z.array(z.object({ name: z.string(), nullable: z.boolean().nullish() })) }).nullish(),
  revision: z.int().min(1).nullish(),
})
type VersionRecord = z.infer<typeof record>

const golden = z.object({
  inputs: z.record(z.string(), z.array(z.unknown())),
  outputs: z.record(z.string(), z.array(z.unknown())),
  tolerance: z.number().min(0).max(0.1).optional(),
})

export interface VersionStore {
  /**
   * A version's files, from disk when they are there, else from the registry, which are then kept.
   *
   * @throws ModelRefused when the version can never be served; CodedError when the registry does not answer
   */
  fetch(name: VersionName): Promise<VersionFiles>
  /** Removes what belongs to no version of `names`. */
  keepOnly(names: readonly VersionName[]): Promise<void>
}

/** @param folder of this replica alone; file names in it are hashes, never names that somebody chose */
export function versionStore({
  folder,
  registry,
  maxBytes,
}: {
  folder: string
  registry: Client
  maxBytes: number
}): VersionStore {
  const blobs = join(folder, 'blobs')
  const records = join(folder, 'versions')
  const kept = (name: VersionName) => keptJson<VersionRecord>(records, recordFile(name))

  const recordOf = async (name: VersionName): Promise<{ known: VersionRecord; keep: Promise<void> }> => {
    const known = record.safeParse(await kept(name).read())
    if (known.success) return { known: known.data, keep: Promise.resolve() }
    const answer = await registry
      .get<unknown>(urlPath`/v1/versions/${name.namespace}/${name.model}/${name.version}`)
      .catch(asRefusal(name))
    const read = record.safeParse(answer)
    if (!read.success)
      throw new ModelRefused('INF_VERSION_NOT_FOUND', `The registry's record of ${nameOf(name)} has no model to serve.`)
    return { known: read.data, keep: kept(name).write(read.data) }
  }
  const blob = async (sha256: string): Promise<string> => {
    const path = join(blobs, sha256)
    if (await exists(path)) return path
    await mkdir(blobs, { recursive: true })
    const part = `${path}.${randomUUID()}.part`
    try {
      await download(registry, sha256, part, maxBytes)
      await rename(part, path)
    } finally {
      await rm(part, { force: true })
    }
    return path
  }

  return {
    async fetch(name) {
      const { known, keep } = await recordOf(name)
      const { modelSha256, goldenSha256, signature, inputs, revision } = known
      const goldenRows = async (sha256: string) => readGolden(await blob(sha256), sha256)
      const [path, golden] = await Promise.all([blob(modelSha256), goldenSha256 ? goldenRows(goldenSha256) : undefined, keep])
      return {
        file: { path, sha256: modelSha256 },
        golden,
        signature: readSignature(signature),
        notNull: (inputs?.schema ?? []).filter(({ nullable }) => nullable === false).map((column) => column.name),
        revision: revision ?? undefined,
      }
    },
    async keepOnly(names) {
      const wanted = await Promise.all(names.map((name) => kept(name).read()))
      await removeOthers(records, new Set(names.map(recordFile)))
      await removeOthers(
        blobs,
        new Set(wanted.flatMap((each) => [each?.modelSha256, each?.goldenSha256].filter((sha256) => typeof sha256 === 'string'))),
      )
    },
  }
}

const recordFile = (name: VersionName): string => `${createHash('sha256').update(nameOf(name)).digest('hex')}.json`

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

async function removeOthers(folder: string, wanted: ReadonlySet<string>): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  const loose = names.filter((name) => !wanted.has(name) && !name.endsWith('.part') && !name.endsWith('.new'))
  await Promise.all(loose.map((name) => rm(join(folder, name), { force: true })))
}

const asRefusal =
  (name: VersionName) =>
  (error: unknown): never => {
    if (isCodedError(error) && error.status === 404)
      throw new ModelRefused('INF_VERSION_NOT_FOUND', `The registry has no ${nameOf(name)}.`)
    throw error
  }

/** Downloads a blob, bounded, and checks it against its name while it comes. */
async function download(registry: Client, sha256: string, path: string, maxBytes: number): Promise<void> {
  const digest = createHash('sha256')
  let bytes = 0
  const check = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      digest.update(chunk)
      if (bytes > maxBytes) done(new ModelRefused('INF_MODEL_UNSAFE', `The blob ${sha256} is larger than ${maxBytes} bytes.`))
      else done(null, chunk)
    },
  })
  const source = await registry.download(urlPath`/v1/blobs/${sha256}`).catch((error: unknown) => {
    if (isCodedError(error) && error.status === 404)
      throw new ModelRefused('INF_VERSION_NOT_FOUND', `The registry has no blob ${sha256}.`)
    throw error
  })
  await pipeline(source, check, createWriteStream(path))
  const found = digest.digest('hex')
  if (found !== sha256) throw new ModelRefused('INF_MODEL_CORRUPT', `The registry's blob ${sha256} hashes to ${found}.`)
}

async function readGolden(path: string, sha256: string): Promise<Golden> {
  const bytes = await readFile(path)
  if (createHash('sha256').update(bytes).digest('hex') !== sha256) {
    await rm(path, { force: true })
    throw new ModelRefused('INF_MODEL_CORRUPT', 'The golden rows are not the registered ones.')
  }
  const read = golden.safeParse(parse(bytes))
  if (read.success) return read.data
  throw new ModelRefused('INF_GOLDEN_MISMATCH', 'The golden rows are not {inputs: {name: [...]}, outputs: {name: [...]}}.')
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}
