import { type FastifyInstance } from 'fastify'
import { permission } from '@cascata/service'
import { codedOf, codeOf, isCallersFault } from '../errors.ts'
import { type ModelsByName } from '../infer/models-by-name.ts'
import { type Metrics } from '../metrics.ts'
import { bytesOf, takeBytes } from '../protocol/bodies.ts'
import { parseJson } from '../protocol/parse-json.ts'
import { type predictor } from './predictor.ts'

interface Parts {
  models: ModelsByName
  predict: ReturnType<typeof predictor>
  metrics: Metrics
  bodyLimit: number
}

/** `POST /v1/models/{name}/predict[?explain=features]`. */
export const predictRoutes = (fastify: FastifyInstance, { models, predict, metrics, bodyLimit }: Parts): void => {
  void fastify.register((scope, _options, done) => {
    takeBytes(scope)
    const options = { config: { permission: permission('viewer', { scope: 'handler' }), bodyLimit, timeoutMs: 0 } }
    scope.post<{ Params: { name: string }; Querystring: { explain?: string } }>(
      '/v1/models/:name/predict',
      options,
      async (request, reply) => {
        const began = performance.now()
        try {
          const { name, key, serving } = models.find(request.params.name)
          const body = parseJson(await bytesOf(request, bodyLimit), 16)
          const at = request.headers['cascata-at'] as string | undefined
          const predictions = await predict({ serving, key, body, at, explain: request.query.explain === 'features', began })
          return await reply.type('application/json').send(JSON.stringify({ model: name, predictions }))
        } catch (error) {
          const coded = codedOf(error)
          if (isCallersFault(coded)) metrics.refused.inc({ code: codeOf(coded) })
          throw coded
        }
      },
    )
    done()
  })
}
