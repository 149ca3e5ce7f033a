import { type FastifyInstance, type FastifyReply } from 'fastify'
import { type Clock, parseJsonBody, permission, requireAccess } from '@cascata/service'
import { featureNamesCollide } from '../errors.ts'
import { type ServiceFeatures } from '../feature-services/feature-services.ts'
import { feastAnswer, feastName, ownAnswer } from './json-answers.ts'
import { exactBody, type LookUpBody, parseFeastBody, parseOwnBody } from './look-up-bodies.ts'
import { type FeatureAnswer, type lookUp } from './look-up.ts'
import { packedAnswer } from './messagepack.ts'
import { requestedTime } from './requested-time.ts'

export interface LookUpRoutes {
  readonly lookUpFeatures: ReturnType<typeof lookUp>
  readonly featuresOfService: ServiceFeatures
  readonly clock: Clock
  readonly jsonDepth: number
  readonly ready: () => Promise<void>
}

const packed = 'application/vnd.msgpack'

const sendJson = (reply: FastifyReply, json: Buffer) => reply.header('content-type', 'application/json; charset=utf-8').send(json)

/** The look-ups: our own and Feast's, on Fastify itself as they are hot. */
export const lookUpRoutes =
  ({ lookUpFeatures, featuresOfService, clock, jsonDepth, ready }: LookUpRoutes) =>
  (fastify: FastifyInstance): void => {
    const find = async ({ namespace: named, wanted, entities }: LookUpBody, at: string | string[] | undefined) => {
      const { namespace, features } =
        wanted.is === 'features' ? { namespace: named, ...wanted } : await featuresOfService(named, wanted.name)
      allowed(namespace, features)
      return { features, answers: await lookUpFeatures({ namespace, features, entities, now: requestedTime(at, clock) }) }
    }

    void fastify.register((scope, _options, done) => {
      scope.removeContentTypeParser('application/json')
      scope.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, text, parsed) => {
        try {
          parsed(null, exactBody(text as string, parseJsonBody(text as string, jsonDepth)))
        } catch (error) {
          parsed(error as Error)
        }
      })
      const config = { permission: permission('viewer', { scope: 'handler' }) }

      scope.post('/v1/features', { config }, async (request, reply) => {
        const { features, answers } = await find(parseOwnBody(request.body), request.headers['cascata-at'])
        return request.headers.accept === packed
          ? reply.header('content-type', packed).send(packedAnswer(features, answers))
          : sendJson(reply, ownAnswer(features, answers))
      })

      scope.post('/get-online-features', { config }, async (request, reply) => {
        const body = parseFeastBody(request.body)
        const { answers } = await find(body, request.headers['cascata-at'])
        refuseCollisions(Object.keys(body.entities), answers, body.fullNames)
        const versions = body.versions ? versionsOf(answers) : null
        return sendJson(reply, feastAnswer(body.entities, answers, { fullNames: body.fullNames, versions }))
      })
      done()
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

/** Clients of Feast find a feature by its name alone. */
function refuseCollisions(entities: readonly string[], answers: readonly FeatureAnswer[], fullNames: boolean): void {
  const names = [...entities, ...answers.map((answer) => feastName(answer, fullNames))]
  if (new Set(names).size === names.length) return
  throw featureNamesCollide({ name: names.find((name, index) => names.indexOf(name) !== index)! })
}

const versionsOf = (answers: readonly FeatureAnswer[]) => [
  ...new Map(answers.map(({ view, revision }) => [view, { name: view, version: revision }])).values(),
]
