import { type Resource, resourceKey } from '@cascata/resources'
import { permission } from '@cascata/service'
import { type FastifyInstance, type FastifyRequest } from 'fastify'
import { pruneUnclear } from '../errors.ts'
import {
  type AppliedStream,
  type applyResources,
  type PlannedStream,
  type planResources,
  type Stream,
} from './apply-resources.ts'
import { type Step } from './decide-apply.ts'
import { type Revision } from './resources.store.ts'

interface Parts {
  apply: ReturnType<typeof applyResources>
  plan: ReturnType<typeof planResources>
  /** Largest stream, in bytes. */
  limit: number
}

const commitHeader = 'cascata-commit'

const one = (value: unknown, fallback: string): string =>
  typeof value === 'string' && value !== '' ? value.slice(0, 200) : fallback

const isPrune = (value: unknown): boolean => {
  if (value === undefined || value === 'false') return false
  if (value === 'true') return true
  throw pruneUnclear({ prune: String(value).slice(0, 100) })
}

/** A YAML stream as it was sent; the commit comes as `?commit=` or header, the name for errors as `?file=`. */
const streamOf = (request: FastifyRequest): Stream => {
  const { commit, file, prune } = request.query as Record<string, unknown>
  const said = one(commit ?? request.headers[commitHeader], '')
  return {
    text: request.body as string,
    file: one(file, 'resources.yaml'),
    commit: said === '' ? null : said,
    prune: isPrune(prune),
  }
}

const nameOf = ({ kind, metadata: { namespace, name } }: Resource) => ({ kind, namespace, name })

const answerOf = ({ resource, revision, action }: Step) => ({ ...nameOf(resource), revision, action })

const answerOfApply = ({ steps, pruned }: AppliedStream) => [
  ...steps.map(answerOf),
  ...pruned.map(({ resource, revision }) => ({ ...nameOf(resource), revision, action: 'deleted' })),
]

const originOf = ({ revision, commit, at, by }: Revision) => ({ revision, commit, at: at.toISOString(), by })

const answerOfPlan = ({ steps, errors, unnamed, standing }: PlannedStream, { prune }: Stream) => ({
  changed: steps.some(({ action }) => action !== 'unchanged') || (prune && unnamed.length > 0),
  documents: steps.map((step) => {
    const stands = standing.get(resourceKey(step.resource))
    return { ...answerOf(step), changes: step.changes, affects: step.affects, applied: stands ? originOf(stands) : null }
  }),
  unnamed: unnamed.map((each) => ({ ...nameOf(each.resource), applied: originOf(each), inUse: each.inUse })),
  errors,
})

/** `PUT /v1/resources` and `POST /v1/plan`: a YAML stream, whatever its content type says. */
export const resourceRoutes = (fastify: FastifyInstance, { apply, plan, limit }: Parts): void => {
  void fastify.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'string', bodyLimit: limit }, (_request, body, parsed) => parsed(null, body))
    const config = { permission: permission('publisher', { scope: 'handler' }), bodyLimit: limit }
    scope.put('/v1/resources', { config }, async (request) => answerOfApply(await apply(streamOf(request))))
    scope.post('/v1/plan', { config: { ...config, permission: permission('viewer', { scope: 'handler' }) } }, async (request) => {
      const stream = streamOf(request)
      return answerOfPlan(await plan(stream), stream)
    })
    done()
  })
}
