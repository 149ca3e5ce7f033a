import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { z } from 'zod'
import { type Clock, permission, requireAccess } from '@cascata/service'
import { lookupInvalid } from '../errors.ts'
import { isoText, jsonWriter, protobufTime, unixSeconds } from './json-values.ts'
import { type FeatureAnswer, type lookUp } from './look-up.ts'
import { requestedTime } from './requested-time.ts'

type LookUpFeatures = ReturnType<typeof lookUp>

const entities = z.record(z.string().max(200), z.array(z.unknown()).max(1_000_000))
const ownBody = z.object({ namespace: z.string().default('default'), features: z.array(z.string().max(300)), entities })
const feastBody = z.object({
  features: z.array(z.string().max(300)).nullish(),
  feature_service: z.string().nullish(),
  entities,
  full_feature_names: z.boolean().nullish(),
  project: z.string().nullish(),
})

const parsed = <T>(schema: z.ZodType<T>, body: unknown): T => {
  const result = schema.safeParse(body)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]!
  throw lookupInvalid({ problem: `${path.map(String).join('.') || 'the body'}: ${message}` })
}

const sendJson = (reply: FastifyReply, text: string) => reply.header('content-type', 'application/json; charset=utf-8').send(text)

/** The look-ups: our own and Feast's, on Fastify itself as they are hot. */
export const lookUpRoutes =
  ({ lookUpFeatures, clock, ready }: { lookUpFeatures: LookUpFeatures; clock: Clock; ready: () => Promise<void> }) =>
  (fastify: FastifyInstance): void => {
    const config = { permission: permission('viewer', { scope: 'handler' }) }

    fastify.post('/v1/features', { config }, async (request, reply) => {
      const { namespace, features, entities } = parsed(ownBody, request.body)
      allowed(namespace, features)
      const now = requestedTime(request.headers['cascata-at'], clock)
      const answers = await lookUpFeatures({ namespace, features, entities, now })
      return sendJson(reply, ownAnswer(features, answers))
    })

    fastify.post('/get-online-features', { config }, async (request: FastifyRequest, reply) => {
      const { features, feature_service, entities, full_feature_names, project } = parsed(feastBody, request.body)
      if (!features)
        throw lookupInvalid({
          problem: feature_service ? `there is no feature service ${feature_service}` : 'it names no features',
        })
      const namespace = project ?? 'default'
      allowed(namespace, features)
      const now = requestedTime(request.headers['cascata-at'], clock)
      const answers = await lookUpFeatures({ namespace, features, entities, now })
      return sendJson(reply, feastAnswer(entities, answers, full_feature_names ?? false))
    })

    fastify.get('/health', { config: { permission: permission('public', { scope: 'none' }) } }, async (_request, reply) => {
      const healthy = await ready().then(
        () => true,
        () => false,
      )
      return reply.code(healthy ? 200 : 503).send({ status: healthy ? 'ok' : 'unavailable' })
    })
  }

const allowed = (namespace: string, features: readonly string[]): void => {
  for (const view of new Set(features.map((feature) => feature.split(':')[0]!))) requireAccess(namespace, view)
}

const quote = (text: string) => JSON.stringify(text)

/** Row-major: `values[entity][feature]`. */
function ownAnswer(features: readonly string[], answers: readonly FeatureAnswer[]): string {
  const writers = answers.map(({ field }) => jsonWriter(field.type, isoText))
  const rows = answers[0]?.values.length ?? 0
  const [values, statuses, times]: [string[], string[], string[]] = [[], [], []]
  for (let row = 0; row < rows; row += 1) {
    values.push(`[${answers.map((answer, index) => writers[index]!(answer.values[row]!)).join(',')}]`)
    statuses.push(`["${answers.map((answer) => answer.statuses[row]!).join('","')}"]`)
    times.push(`[${answers.map(({ eventTimes }) => (eventTimes[row] === null ? 'null' : isoText(eventTimes[row]!))).join(',')}]`)
  }
  return `{"names":[${features.map(quote).join(',')}],"values":[${values.join(',')}],"statuses":[${statuses.join(',')}],"eventTimes":[${times.join(',')}]}`
}

const epoch = '"1970-01-01T00:00:00Z"'

/** Column-major, the join keys first, with the epoch as their time. */
function feastAnswer(
  entities: Record<string, readonly unknown[]>,
  answers: readonly FeatureAnswer[],
  fullNames: boolean,
): string {
  const keys = Object.entries(entities).map(
    ([, values]) =>
      `{"values":${JSON.stringify(values)},"statuses":[${values.map(() => '"PRESENT"').join(',')}],"event_timestamps":[${values.map(() => epoch).join(',')}]}`,
  )
  const columns = answers.map(({ field, values, statuses, eventTimes }) => {
    const write = jsonWriter(field.type, unixSeconds)
    const times = eventTimes.map((ms) => (ms === null ? epoch : protobufTime(ms)))
    return `{"values":[${values.map(write).join(',')}],"statuses":[${statuses.map((status) => `"${status}"`).join(',')}],"event_timestamps":[${times.join(',')}]}`
  })
  const names = [
    ...Object.keys(entities),
    ...answers.map(({ view, field }) => (fullNames ? `${view}__${field.name}` : field.name)),
  ]
  return `{"metadata":{"feature_names":[${names.map(quote).join(',')}]},"results":[${[...keys, ...columns].join(',')}]}`
}
