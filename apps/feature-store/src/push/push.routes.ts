import { type FastifyInstance } from 'fastify'
import { z } from 'zod'
import { parseJsonBody, permission } from '@cascata/service'
import { type FeatureStoreConfig } from '../config.ts'
import { pushInvalid } from '../errors.ts'
import { parseExact } from '../ingest/validate-fields.ts'
import { push, type PushParts } from './push.ts'

const name = z.string().min(1).max(249)
const frame = z.record(z.string().max(200), z.array(z.unknown()))
const ours = { project: name.default('default') }
const pushBody = z.object({
  push_source_name: name,
  df: frame,
  /** Both stores are fed by one path, so every place means both. */
  to: z.enum(['online', 'offline', 'online_and_offline']).nullish(),
  ...ours,
})
const writeBody = z.object({ feature_view_name: name, df: frame, ...ours })

/**
 * Feast's `POST /push` and `POST /write-to-online-store`: rows over HTTP, for those without Kafka. Both go through the topic of the view,
 * so there is one write path and one order. Answered with `null` when the rows are durable.
 */
export const pushRoutes =
  (parts: PushParts & { config: Pick<FeatureStoreConfig, 'maxPush' | 'jsonDepth' | 'maxPushRows'> }) =>
  (fastify: FastifyInstance): void => {
    const { maxPush, jsonDepth } = parts.config
    void fastify.register((scope, _options, done) => {
      scope.removeAllContentTypeParsers()
      scope.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, text, parsed) => {
        try {
          const body = parseJsonBody(text as string, jsonDepth)
          parsed(null, /\d{16}/.test(text as string) ? parseExact(text as string) : body)
        } catch (error) {
          parsed(error as Error)
        }
      })
      const route = {
        config: { permission: permission('publisher', { scope: 'handler' }), bodyLimit: maxPush, timeoutMs: 60_000 },
      }
      scope.post('/push', route, async (request, reply) => {
        const { push_source_name: source, df, project } = parsedBy(pushBody, request.body)
        await push(parts, { namespace: project, name: source, orTopic: true, frame: df })
        return reply.type('application/json; charset=utf-8').send('null')
      })
      scope.post('/write-to-online-store', route, async (request, reply) => {
        const { feature_view_name: view, df, project } = parsedBy(writeBody, request.body)
        await push(parts, { namespace: project, name: view, orTopic: false, frame: df })
        return reply.type('application/json; charset=utf-8').send('null')
      })
      done()
    })
  }

const parsedBy = <T>(schema: z.ZodType<T>, body: unknown): T => {
  const result = schema.safeParse(body)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]!
  throw pushInvalid({ problem: `${path.map(String).join('.').slice(0, 200) || 'the body'}: ${message}` })
}
