import { fetchAnyPort } from '@cascata/service/any-port'
import { z } from 'zod'
import { BadSchema, compileAvro } from './avro.ts'
import { type Read } from './avro-read.ts'

/** A schema as rows are read by it. */
export type Schema =
  | { readonly is: 'avro'; readonly read: Read }
  | { readonly is: 'json' }
  /** The registry does not have it. */
  | { readonly is: 'unknown' }
  | { readonly is: 'unusable'; readonly reason: string }

/** The schemas that rows name by id. */
export interface SchemaRegistry {
  /**
   * Fetches the schemas that are not known yet. Throws when the registry does not answer: rows wait for it, as they do for a store that is down.
   */
  prepare(ids: ReadonlySet<number>): Promise<void>
  /** A schema that was prepared. */
  get(id: number): Schema
}

const subject = z.object({
  schema: z.string().max(1024 ** 2),
  schemaType: z.string().max(40).default('AVRO'),
  references: z
    .array(z.object({ subject: z.string().max(1_000), version: z.int() }))
    .max(50)
    .default([]),
})
type Subject = z.infer<typeof subject>

/** Schemas kept at once; the ones not used for the longest time go first. */
const maxSchemas = 1_000
/** Ids kept that the registry does not have, and for how long: it may learn one later. */
const maxUnknown = 10_000
const unknownForMs = 60_000
const maxReferences = 100
const atOnce = 8

export interface RegistrySettings {
  readonly url: string
  readonly user: string | null
  readonly password: string | null
  readonly timeoutMs?: number
}

/**
 * A client of Confluent's schema registry API. It asks the configured address alone: nothing in a row, and no answer, names another one.
 *
 * @param settings Null: none is configured, and what needs one waits.
 */
export function schemaRegistry(settings: RegistrySettings | null, now: () => number = Date.now): SchemaRegistry {
  const known = new Map<number, Schema>()
  const unknown = new Map<number, number>()

  const fetchOne = async (id: number): Promise<void> => {
    const found = await ask(settings, `/schemas/ids/${id}`)
    if (found === null) {
      trim(unknown, maxUnknown)
      unknown.set(id, now() + unknownForMs)
      return
    }
    trim(known, maxSchemas)
    known.set(id, await schemaOf(settings, found))
  }

  return {
    async prepare(ids) {
      const wanted = [...ids].filter((id) => {
        touch(known, id)
        return !known.has(id) && !((unknown.get(id) ?? 0) > now())
      })
      for (let from = 0; from < wanted.length; from += atOnce) await Promise.all(wanted.slice(from, from + atOnce).map(fetchOne))
    },
    get: (id) => known.get(id) ?? { is: 'unknown' },
  }
}

const touch = <T>(map: Map<number, T>, id: number): void => {
  const value = map.get(id)
  if (value === undefined) return
  map.delete(id)
  map.set(id, value)
}

const trim = (map: Map<number, unknown>, most: number): void => {
  if (map.size >= most) map.delete(map.keys().next().value!)
}

async function schemaOf(settings: RegistrySettings | null, found: Subject): Promise<Schema> {
  if (found.schemaType === 'JSON') return { is: 'json' }
  if (found.schemaType !== 'AVRO') return { is: 'unusable', reason: `its type is ${found.schemaType}` }
  try {
    const referred: string[] = []
    await collect(settings, found, referred, new Set())
    return { is: 'avro', read: compileAvro([...referred, found.schema]) }
  } catch (error) {
    if (error instanceof BadSchema) return { is: 'unusable', reason: error.message }
    throw error
  }
}

/** The texts of what a schema refers to, each after those that it refers to itself. */
async function collect(
  settings: RegistrySettings | null,
  { references }: Subject,
  into: string[],
  met: Set<string>,
): Promise<void> {
  for (const { subject: name, version } of references) {
    const path = `/subjects/${encodeURIComponent(name)}/versions/${version}`
    if (met.has(path)) continue
    met.add(path)
    if (met.size > maxReferences) throw new BadSchema(`it refers to more than ${maxReferences} others`)
    const found = await ask(settings, path)
    if (!found) throw new BadSchema(`it refers to ${name}, which the registry does not have`)
    await collect(settings, found, into, met)
    into.push(found.schema)
  }
}

/** Null for what the registry does not have. Throws when it does not answer, or not as a registry does. */
async function ask(settings: RegistrySettings | null, path: string): Promise<Subject | null> {
  if (!settings) throw new Error('Rows name schemas, and no registry is configured: set FEATURE_STORE_SCHEMA_REGISTRY_URL.')
  const { url, user, password, timeoutMs = 10_000 } = settings
  const login: Record<string, string> =
    user === null ? {} : { authorization: `Basic ${Buffer.from(`${user}:${password ?? ''}`).toString('base64')}` }
  const answer = await fetchAnyPort(url + path, {
    headers: { accept: 'application/vnd.schemaregistry.v1+json, application/json', ...login },
    signal: AbortSignal.timeout(timeoutMs),
  })
  if (answer.status === 404) {
    await answer.body?.cancel()
    return null
  }
  if (!answer.ok) {
    await answer.body?.cancel()
    throw new Error(`The schema registry answered ${answer.status} to ${path}.`)
  }
  const parsed = subject.safeParse(JSON.parse(await boundedText(answer)))
  if (!parsed.success) throw new Error(`The schema registry's answer to ${path} is not a schema.`)
  return parsed.data
}

const maxAnswer = 4 * 1024 ** 2

async function boundedText({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body ?? []) {
    bytes += chunk.length
    if (bytes > maxAnswer) throw new Error(`The schema registry's answer is larger than ${maxAnswer} bytes.`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
