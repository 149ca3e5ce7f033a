import { permission } from '@cascata/service'
import { type FastifyInstance, type FastifyRequest } from 'fastify'
import { type applyResources, type planResources, type Stream } from './apply-resources.ts'
import { type Plan, type Step } from './decide-apply.ts'

interface Parts {
  apply: ReturnType<typeof applyResources>
  plan: ReturnType<typeof planResources>
  /** Largest stream, in bytes. */
  limit: number
}

const commitHeader = 'cascata-commit'

const one = (value: unknown, fallback: string): string =>
  typeof value === 'string' && value !== '' ? value.slice(0, 200) : fallback

/** A YAML stream as it was sent; the commit comes as `?commit=` or header, the name for errors as `?file=`. */
const streamOf = (request: FastifyRequest): Stream => {
  const { commit, file } = request.query as Record<string, unknown>
  const said = one(commit ?? request.headers[commitHeader], '')
  return { text: request.body as string, file: one(file, 'resources.yaml'), commit: said === '' ? null : said }
}

const answerOf = ({ resource, revision, action }: Step) => ({
  kind: resource.kind,
  namespace: resource.metadata.namespace,
  name: resource.metadata.name,
  revision,
  action,
})

const answerOfPlan = ({ steps, errors }: Plan) => ({
  changed: steps.some(({ action }) => action !== 'unchanged'),
  documents: steps.map((step) => ({ ...answerOf(step), changes: step.changes, affects: step.affects })),
  errors,
})

/** `PUT /v1/resources` and `POST /v1/plan`: a YAML stream, whatever its content type says. */
export const resourceRoutes = (fastify: FastifyInstance, { apply, plan, limit }: Parts): void => {
  void fastify.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'string', bodyLimit: limit }, (_request, body, parsed) => parsed(null, body))
    const config = { permission: permission('publisher', { scope: 'handler' }), bodyLimit: limit }
    scope.put('/v1/resources', { config }, async (request) => (await apply(streamOf(request))).map(answerOf))
    scope.post('/v1/plan', { config: { ...config, permission: permission('viewer', { scope: 'handler' }) } }, async (request) =>
      answerOfPlan(await plan(streamOf(request))),
    )
    done()
  })
}
