import { promisify } from 'node:util'
import { gunzip, inflate } from 'node:zlib'
import { type FastifyInstance, type FastifyRequest } from 'fastify'
import { badEncoding, wrongContentType } from '../errors.ts'

const decoders: Record<string, (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>> = {
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
}
/** tritonclient sends JSON without a Content-Type. */
const taken = /^(application\/(json|octet-stream|[\w.-]+\+json|vnd\.[\w.-]+)|$)/i

/** Bodies as bytes, whatever they are called: the protocol's JSON is read with rules of its own, and tensors may follow it. */
export function takeBytes(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
}

/** @throws CodedError for a foreign Content-Type, or a body that does not decompress within `most` bytes */
export function bytesOf(request: FastifyRequest, most: number): Buffer | Promise<Buffer> {
  const contentType = request.headers['content-type'] ?? ''
  if (!taken.test(contentType)) throw wrongContentType({ contentType: contentType.slice(0, 100) })
  const body = (request.body as Buffer | undefined) ?? Buffer.alloc(0)
  const encoding = request.headers['content-encoding']
  if (encoding === undefined || encoding === 'identity') return body
  const decode = Object.hasOwn(decoders, encoding) ? decoders[encoding] : undefined
  if (!decode) throw badEncoding({ reason: `${encoding.slice(0, 40)} is not known` })
  return decode(body, { maxOutputLength: most }).catch((error: Error & { code?: string }) => {
    throw badEncoding({ reason: error.code === 'ERR_BUFFER_TOO_LARGE' ? `it is larger than ${most} bytes` : error.message })
  })
}
