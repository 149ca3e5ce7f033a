import { createHash } from 'node:crypto'
import { mkdir, open, stat } from 'node:fs/promises'
import { type FastifyInstance } from 'fastify'
import { z } from 'zod'
import { type Database } from '@cascata/messaging'
import { currentPrincipal, permission, requireAccess } from '@cascata/service'
import { type FeatureStoreConfig } from '../config.ts'
import { importInvalid, importNotFound, importOffset, importTooLarge, viewNotFound } from '../errors.ts'
import { findView } from '../feature-views/views.store.ts'
import { fileOfImport, folderOfImport } from './import-loop.ts'
import { addImport, findImport, type Import, type ImportFile, listFiles, listRejects, queueImport } from './imports.store.ts'

export interface ImportRoutes {
  readonly config: Pick<FeatureStoreConfig, 'maxImport'>
  readonly db: Database
  readonly folder: string
  /** An import can begin. */
  readonly ring: () => void
}

/** Bytes of one piece of a file. */
export const pieceBytes = 16 * 1024 ** 2

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected a SHA-256 in hex')
const asked = z.strictObject({
  namespace: z.string().max(63).default('default'),
  view: z.string().max(63),
  maxRejects: z.number().int().min(0).nullish(),
  files: z
    .array(
      z.strictObject({
        sha256,
        name: z.string().min(1).max(1_000),
        bytes: z.number().int().min(1),
        format: z.enum(['parquet', 'csv', 'ndjson']),
      }),
    )
    .min(1)
    .max(10_000),
})

/**
 * Imports: `POST /v1/imports` says which files (by the hash of their content), `PUT /v1/imports/{id}/files/{sha256}?offset=` sends them
 * piece by piece, `GET /v1/imports/{id}` shows how far it is. Saying or sending something again changes nothing.
 */
export const importRoutes =
  ({ config, db, folder, ring }: ImportRoutes) =>
  (fastify: FastifyInstance): void => {
    const publisher = { permission: permission('publisher', { scope: 'handler' }) }

    const found = async (id: string): Promise<Import> => {
      const job = await findImport(db, id)
      if (!job) throw importNotFound({ import: id.slice(0, 100) })
      requireAccess(job.namespace, job.view)
      return job
    }
    /** Bytes of each file that are here. */
    const received = async (job: Import, files: readonly ImportFile[]): Promise<number[]> =>
      Promise.all(
        files.map(async ({ sha256, bytes, state }) =>
          job.state !== 'receiving' || state !== 'waiting'
            ? bytes
            : ((await stat(fileOfImport(folder, job.id, sha256)).catch(() => null))?.size ?? 0),
        ),
      )
    const shown = async (job: Import) => {
      const files = await listFiles(db, job.id)
      const sizes = await received(job, files)
      const { id, namespace, view, state, rows, accepted, rejected, ignored, reasons, error, createdAt, endedAt } = job
      return {
        ...{ id, namespace, view, state, rows, accepted, rejected, ignored, reasons, createdAt, endedAt },
        ...(error ? { error } : {}),
        files: files.map(({ name, sha256, bytes, rows, state }, index) => ({
          name,
          sha256,
          bytes,
          received: sizes[index],
          rows,
          state,
        })),
        rejects: (await listRejects(db, id, 100)).map(({ file, ...reject }) => ({ file: files[file]?.name, ...reject })),
      }
    }
    const queueWhenComplete = async (job: Import): Promise<void> => {
      const files = await listFiles(db, job.id)
      const sizes = await received(job, files)
      if (job.state !== 'receiving' || files.some(({ bytes }, index) => sizes[index]! < bytes)) return
      await queueImport(db, job.id)
      ring()
    }

    fastify.post('/v1/imports', { config: publisher }, async (request, reply) => {
      const { namespace, view: name, maxRejects = null, files } = parsed(request.body)
      requireAccess(namespace, name)
      const stored = await findView(db, namespace, name)
      if (!stored) throw viewNotFound({ view: `${namespace}/${name}`.slice(0, 200) })
      const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
      if (bytes > config.maxImport) throw importTooLarge({ bytes, limit: config.maxImport })
      const distinct = [...new Map(files.map((file) => [file.sha256, file])).values()]
      const id = idOf(
        stored.view.id,
        distinct.map((file) => file.sha256),
      )
      await db.transaction((tx) =>
        addImport(tx, { id, viewId: stored.view.id, maxRejects, askedBy: currentPrincipal().name, files: distinct }),
      )
      const job = await found(id)
      if (job.state === 'receiving') await mkdir(folderOfImport(folder, id), { recursive: true })
      await queueWhenComplete(job)
      return reply.code(202).send(await shown(await found(id)))
    })

    const viewer = { permission: permission(['viewer', 'publisher'], { scope: 'handler' }) }
    fastify.get<{ Params: { id: string } }>('/v1/imports/:id', { config: viewer }, async ({ params: { id } }) =>
      shown(await found(id)),
    )

    void fastify.register((scope, _options, done) => {
      scope.removeAllContentTypeParsers()
      scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, taken) => taken(null, body))
      scope.put<{ Params: { id: string; sha256: string }; Querystring: { offset?: string } }>(
        '/v1/imports/:id/files/:sha256',
        { config: { ...publisher, bodyLimit: pieceBytes, timeoutMs: 60_000 } },
        async ({ params, query, body }) => {
          const job = await found(params.id)
          const files = await listFiles(db, job.id)
          const file = files.find(({ sha256 }) => sha256 === params.sha256)
          if (!file) throw importNotFound({ import: `${job.id}/${params.sha256.slice(0, 64)}` })
          const [held] = await received(job, [file])
          if (job.state === 'receiving' && held! < file.bytes) {
            const piece = Buffer.isBuffer(body) ? body : Buffer.alloc(0)
            const offset = Number(query.offset)
            if (!Number.isSafeInteger(offset) || offset < 0 || offset > held! || offset + piece.length > file.bytes)
              throw importOffset({ offset: Number.isSafeInteger(offset) ? offset : -1, received: held!, bytes: file.bytes })
            await keep(fileOfImport(folder, job.id, file.sha256), piece, offset)
            if (offset + piece.length === file.bytes) await queueWhenComplete(job)
          }
          return { received: (await received(job, [file]))[0] }
        },
      )
      done()
    })
  }

/** Of the view and the content, whatever the files are called and in which order they were given. */
const idOf = (viewId: number, hashes: readonly string[]): string =>
  createHash('sha256')
    .update(JSON.stringify([viewId, hashes.toSorted()]))
    .digest('hex')
    .slice(0, 32)

/** Writes a piece at its place: sent twice, or by two, it is the same. */
async function keep(path: string, piece: Buffer, offset: number): Promise<void> {
  const handle = await open(path, offset === 0 ? 'a+' : 'r+').then(async (opened) =>
    offset === 0 ? (await opened.close(), open(path, 'r+')) : opened,
  )
  try {
    await handle.write(piece, 0, piece.length, offset)
  } finally {
    await handle.close()
  }
}

const parsed = (body: unknown): z.infer<typeof asked> => {
  const result = asked.safeParse(body)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]!
  throw importInvalid({ problem: `${path.map(String).join('.') || 'the body'}: ${message}` })
}
