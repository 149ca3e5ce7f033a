import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { z } from 'zod'
import { type Database } from '@cascata/messaging'
import { permission, requireAccess } from '@cascata/service'
import { type FeatureStoreConfig } from '../config.ts'
import { datasetInvalid, datasetNotBuilt, datasetNotFound, datasetRange, spineInvalid } from '../errors.ts'
import { type Duck } from '../offline/duckdb.ts'
import { sha256Of } from '../offline/segment-writer.ts'
import { datasetPath, type Part, parts as partNames } from './build-dataset.ts'
import { addDataset, type DatasetAsked, type DatasetJob, findDataset } from './datasets.store.ts'
import { decideRange } from './decide-range.ts'
import { planJob } from './plan-job.ts'
import { BadSpine, takeSpine } from './spine-file.ts'
import { addSpine, findSpine } from './spines.store.ts'

export interface DatasetRoutes {
  readonly config: FeatureStoreConfig
  readonly db: Database
  readonly duck: Duck
  readonly folders: { readonly datasets: string; readonly spines: string }
}

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const duration = z.union([
  z.number().int().min(1),
  z
    .string()
    .regex(/^\d{1,9}(ms|s|m|h|d)$/)
    .transform((text) => {
      const unit = /[a-z]+$/.exec(text)![0] as keyof typeof units
      return Number(text.slice(0, -unit.length)) * units[unit]
    }),
])
const reference = z.string().regex(/^[a-z0-9-]{1,63}:[A-Za-z][A-Za-z0-9_]{0,127}$/, 'expected view:field')
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected a SHA-256 in hex')
const label = z.object({ field: reference, within: duration, missing: z.enum(['drop', 'negative']).default('drop') })
const engine = z.enum(['duckdb', 'spark']).optional()
const asked = z.union([
  z.strictObject({ engine, model: z.string().regex(/^([a-z0-9-]+\/)?[a-z0-9-]+$/), namespace: z.string().optional() }),
  z.strictObject({
    engine,
    namespace: z.string().default('default'),
    features: z.array(reference).max(5_000),
    label: label.nullish(),
    spine: sha256,
  }),
])

/** `POST /v1/datasets`, `GET /v1/datasets/{id}[/data]`, `PUT /v1/spines`. */
export const datasetRoutes =
  (parts: DatasetRoutes) =>
  (fastify: FastifyInstance): void => {
    const { db, config, folders } = parts
    const viewer = { config: { permission: permission('viewer', { scope: 'handler' }) } }
    const asker = { config: { permission: permission(['viewer', 'trainer'], { scope: 'handler' }) } }

    fastify.post('/v1/datasets', asker, async (request, reply) => {
      const job = jobOf(request.body)
      requireAccess(job.namespace, job.model ?? undefined)
      if (job.request.engine === 'spark' && config.spark === null)
        throw datasetInvalid({ problem: 'it asks for Spark, and no command of it is configured (FEATURE_STORE_SPARK)' })
      await planJob(db, job)
      await addDataset(db, job)
      return reply.code(202).send({ id: job.id })
    })

    const found = async (id: string): Promise<DatasetJob> => {
      const job = await findDataset(db, id)
      if (!job) throw datasetNotFound({ dataset: id })
      requireAccess(job.namespace, job.model ?? undefined)
      return job
    }

    fastify.get<{ Params: { id: string } }>('/v1/datasets/:id', viewer, async ({ params: { id } }) => {
      const { namespace, model, revision, run, state, step, result, error, createdAt, endedAt } = await found(id)
      return {
        id,
        namespace,
        model,
        revision,
        run,
        state,
        step,
        progress: progressOf(state, step),
        ...result,
        ...(error ? { error } : {}),
        createdAt,
        endedAt,
      }
    })

    fastify.get<{ Params: { id: string }; Querystring: { part?: string } }>(
      '/v1/datasets/:id/data',
      viewer,
      async (request, reply) => {
        const {
          params: { id },
          query: { part },
        } = request
        if (part !== undefined && !partNames.includes(part as Part))
          throw datasetInvalid({ problem: `part is one of ${partNames.join(', ')}` })
        const { state, result } = await found(id)
        if (state !== 'built' || !result) throw datasetNotBuilt({ dataset: id, state })
        if (part !== undefined && !result.split) throw datasetInvalid({ problem: 'a dataset of a spine has no parts' })
        return sendParquet(request, reply, datasetPath(folders.datasets, result.hash, part as Part | undefined))
      },
    )

    void fastify.register((scope, _options, done) => {
      scope.removeAllContentTypeParsers()
      scope.addContentTypeParser('*', (_request, payload, parsed) => parsed(null, payload))
      const put = {
        config: {
          permission: permission(['viewer', 'trainer'], { scope: 'none' }),
          bodyLimit: config.maxSpine,
          timeoutMs: 10 * 60_000,
        },
      }
      scope.put<{ Querystring: { at?: string } }>('/v1/spines', put, async (request) =>
        putSpine(parts, request.body as Readable, request.query.at ?? 'at'),
      )
      done()
    })
  }

function jobOf(body: unknown): Pick<DatasetJob, 'id' | 'namespace' | 'model' | 'revision' | 'run' | 'cause' | 'request'> {
  const result = asked.safeParse(body)
  if (!result.success) throw datasetInvalid({ problem: z.prettifyError(result.error).split('\n')[0]!.replace(/^✖ /, '') })
  const base = { id: `d-${randomUUID()}`, revision: null, run: null, cause: null }
  if ('model' in result.data) {
    const [namespace, model] = result.data.model.includes('/')
      ? result.data.model.split('/')
      : [result.data.namespace ?? 'default', result.data.model]
    return { ...base, namespace: namespace!, model: model!, request: { is: 'model', engine: result.data.engine } }
  }
  const { engine, namespace, features, label: wanted, spine } = result.data
  const request: DatasetAsked = { is: 'spine', engine, spine, features, label: wanted ?? null }
  return { ...base, namespace, model: null, request }
}

/** How far a build is, from 0 to 1, by its steps. */
const progressOf = (state: DatasetJob['state'], step: string): number => {
  if (state !== 'building' || step.startsWith('waiting')) return state === 'building' ? 0 : 1
  return { labels: 0.6, writing: 0.8 }[step] ?? 0.3
}

/** A Parquet file, or the part of it that a reader asks for: engines read its end first, and then the columns they want. */
async function sendParquet(request: FastifyRequest, reply: FastifyReply, path: string) {
  const { size } = await stat(path)
  const range = decideRange(request.headers.range, size)
  void reply
    .type('application/vnd.apache.parquet')
    .header('accept-ranges', 'bytes')
    .header('content-disposition', 'attachment; filename="data.parquet"')
  if (range === null) return reply.header('content-length', size).send(createReadStream(path))
  if (range === 'outside') {
    void reply.header('content-range', `bytes */${size}`)
    throw datasetRange({ bytes: size })
  }
  return reply
    .code(206)
    .header('content-range', `bytes ${range.start}-${range.end}/${size}`)
    .header('content-length', range.end - range.start + 1)
    .send(createReadStream(path, range))
}

/** Keeps a spine under the hash of what was sent, and of which column is its `at`; sent again it is the same. */
async function putSpine(
  { db, duck, folders, config }: DatasetRoutes,
  body: Readable,
  at: string,
): Promise<{ sha256: string; rows: number; columns: string[] }> {
  await mkdir(folders.spines, { recursive: true })
  const sent = join(folders.spines, `.${randomUUID()}`)
  const taken = `${sent}.parquet`
  try {
    await pipeline(body, limited(config.maxSpine), createWriteStream(sent))
    const bytes = await sha256Of(sent)
    const hash = at === 'at' ? bytes : createHash('sha256').update(`${bytes} ${at}`).digest('hex')
    const known = await findSpine(db, hash)
    const target = join(folders.spines, `${hash}.parquet`)
    if (known && (await stat(target).catch(() => null))) return known
    const format = await formatOf(sent)
    const connection = await duck.connect()
    const { columns, rows } = await takeSpine(
      connection,
      { path: sent, format, at, maxRows: config.maxSpineRows, maxTextBytes: 4 * config.maxSpine },
      taken,
    ).finally(() => connection.closeSync())
    await rename(taken, target)
    await addSpine(db, { sha256: hash, columns, rows, format, bytes: (await stat(sent)).size })
    return { sha256: hash, rows, columns }
  } catch (error) {
    if (error instanceof BadSpine) throw spineInvalid({ problem: error.message })
    throw error
  } finally {
    await Promise.all([sent, taken].map((path) => rm(path, { force: true })))
  }
}

const limited = (limit: number) => {
  let bytes = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      if (bytes > limit) done(spineInvalid({ problem: `it is larger than ${limit} bytes (FEATURE_STORE_MAX_SPINE)` }))
      else done(null, chunk)
    },
  })
}

async function formatOf(path: string): Promise<'parquet' | 'csv'> {
  for await (const chunk of createReadStream(path, { end: 3 }))
    return (chunk as Buffer).toString('latin1') === 'PAR1' ? 'parquet' : 'csv'
  throw new BadSpine('it is empty')
}
