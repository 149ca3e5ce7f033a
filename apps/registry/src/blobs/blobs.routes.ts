import { type Database } from '@cascata/messaging'
import { permission } from '@cascata/service'
import { type FastifyInstance } from 'fastify'
import { type BlobStore } from './blob-store.ts'
import { keepBlob } from './blobs.store.ts'
import { uploaded } from './uploaded.ts'

interface Settings {
  db: Database
  blobs: BlobStore
  limitBytes: number
  timeoutMs: number
}

/** Takes any body as a stream: nothing is buffered, whatever its content type. */
export const streamedBodies = (scope: FastifyInstance): void => {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
}

/**
 * `PUT /v1/blobs` → `{sha256, size}`; `GET /v1/blobs/{sha256}`.
 * A blob belongs to no namespace: who knows its hash knows its content.
 */
export const blobRoutes = (fastify: FastifyInstance, { db, blobs, limitBytes, timeoutMs }: Settings): void => {
  void fastify.register((scope, _options, done) => {
    streamedBodies(scope)
    const limits = { bodyLimit: limitBytes, timeoutMs }
    const put = { config: { ...limits, permission: permission(['trainer', 'publisher', 'deployer'], { scope: 'none' }) } }
    scope.put('/v1/blobs', put, (request) => keepBlob({ db, blobs }, uploaded(request)))
    const get = { config: { ...limits, permission: permission('viewer', { scope: 'none' }) } }
    scope.get<{ Params: { sha256: string } }>('/v1/blobs/:sha256', get, async ({ params: { sha256 } }, reply) => {
      const size = await blobs.size(sha256)
      return reply
        .type('application/octet-stream')
        .header('content-length', size)
        .header('content-disposition', 'attachment')
        .header('etag', `"${sha256}"`)
        .send(await blobs.read(sha256))
    })
    done()
  })
}
