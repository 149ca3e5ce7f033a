import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type FastifyInstance } from 'fastify'
import { type Database } from '@cascata/messaging'
import { permission } from '@cascata/service'
import { timeInvalid, viewNotFound } from '../errors.ts'
import { findView, revisionsOf } from '../feature-views/views.store.ts'
import { parseIso } from '../ingest/validate-times.ts'
import { type Duck, literal, quoted } from './duckdb.ts'
import { metaColumns, scanSql } from './segment-columns.ts'
import { type SegmentStore } from './segments.store.ts'

interface Asked {
  Params: { namespace: string; name: string }
  Querystring: { from?: string; to?: string }
}

const bound = (text: string | undefined, name: string, otherwise: number): number => {
  if (text === undefined || text === '') return otherwise
  const ms = parseIso(text)
  if (Number.isNaN(ms)) throw timeInvalid({ problem: `${name} is no ISO 8601 instant with a zone` })
  return ms
}

/** `GET /v1/views/{namespace}/{name}/rows?from=&to=`: the offline rows as Parquet, half-open on the event time, tombstones left out. */
export const rowsRoutes =
  ({ db, duck, segments, folder }: { db: Database; duck: Duck; segments: SegmentStore; folder: string }) =>
  (fastify: FastifyInstance): void => {
    const config = { permission: permission('viewer'), timeoutMs: 10 * 60_000 }
    fastify.get<Asked>('/v1/views/:namespace/:name/rows', { config }, async ({ params: { namespace, name }, query }, reply) => {
      const from = bound(query.from, 'from', -8.64e15)
      const to = bound(query.to, 'to', 8.64e15)
      const stored = await findView(db, namespace, name)
      if (!stored) throw viewNotFound({ view: `${namespace}/${name}` })
      const { view } = stored
      const files = await segments.list(db, view.id, { eventTime: { from, to } })
      await segments.fetch(files)
      const revisions = await revisionsOf(db, view.id)
      const columns = [...Object.keys(view.spec.fields), ...metaColumns]
      const scan = scanSql(view, files, (revision) => new Set(Object.keys(revisions.get(revision)?.fields ?? {})), [
        ...columns,
        '__deleted',
      ])
      await mkdir(folder, { recursive: true })
      const path = join(folder, `${randomUUID()}.parquet`)
      const connection = await duck.connect()
      try {
        await connection.run(
          `copy (select ${columns.map(quoted).join(', ')} from (${scan})
                  where not __deleted and epoch_ms(__event_time) >= ${from} and epoch_ms(__event_time) < ${to})
           to ${literal(path)} (format parquet, compression zstd)`,
        )
        const { size } = await stat(path)
        const stream = createReadStream(path)
        stream.once('close', () => void rm(path, { force: true }))
        return await reply.type('application/vnd.apache.parquet').header('content-length', size).send(stream)
      } catch (error) {
        await rm(path, { force: true })
        throw error
      } finally {
        connection.closeSync()
      }
    })
  }
