import { type Database } from '@cascata/messaging'
import { type Clock, type CodedError, type ErrorFormat, permission, type Role } from '@cascata/service'
import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { type z } from 'zod'
import { notImplemented } from '../errors.ts'
import { apiDocs, JsonText, parsed, refuse } from './wire.ts'

/** What the routes work with. */
export interface Tracking {
  readonly db: Database
  readonly clock: Clock
}

/** A route of MLflow's API: the same under every prefix where clients look for it. */
export interface Endpoint {
  readonly methods: readonly ('GET' | 'POST' | 'PATCH' | 'DELETE')[]
  /** Under `mlflow/`; `:name` for a parameter. */
  readonly path: string
  readonly needs: Role | readonly Role[]
  readonly answer: (request: FastifyRequest) => Promise<object>
}

/** A route whose parameters (path, query, body together) are of a shape; the answer goes out as JSON, unset fields left out; as it is where it is `JsonText`. */
export const endpoint = <Shape extends z.ZodType>(
  methods: Endpoint['methods'][number] | Endpoint['methods'],
  path: string,
  needs: Endpoint['needs'],
  shape: Shape,
  answer: (asked: z.infer<Shape>) => Promise<object>,
): Endpoint => ({
  methods: typeof methods === 'string' ? [methods] : (methods as Endpoint['methods']),
  path,
  needs,
  answer: (request) => {
    if (Array.isArray(request.body))
      return refuse(`Invalid value for the body of the request: it must be a JSON object. ${apiDocs}`)
    return answer(
      parsed(shape, { ...(request.query as object), ...(request.body as object | undefined), ...(request.params as object) }),
    )
  },
})

export const prefixes = ['/api/2.0', '/api/3.0', '/ajax-api/2.0', '/ajax-api/3.0'] as const

const refuseTheRest = (request: FastifyRequest, _reply: FastifyReply): never => {
  const path = request.url.split('?')[0]!.slice(0, 200)
  throw notImplemented({ message: `${request.method} ${path} is not supported by this server.` })
}

const sending =
  (answer: Endpoint['answer']) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<object> => {
    const answered = await answer(request)
    return answered instanceof JsonText ? reply.type('application/json; charset=utf-8').send(answered.text) : answered
  }

/** Puts the routes under every prefix; whatever else is asked under `mlflow/` is answered with 501. */
export const mountEndpoints = (fastify: FastifyInstance, endpoints: readonly Endpoint[]): void => {
  for (const prefix of prefixes) {
    for (const { methods, path, needs, answer } of endpoints) {
      const config = { permission: permission(needs, { scope: 'handler' }) }
      fastify.route({ method: [...methods], url: `${prefix}/mlflow/${path}`, config, handler: sending(answer) })
    }
    const config = { permission: permission('viewer', { scope: 'handler' }) }
    fastify.route({
      method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
      url: `${prefix}/mlflow/*`,
      config,
      handler: refuseTheRest,
    })
  }
}

const byStatus: Readonly<Record<number, string>> = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'RESOURCE_DOES_NOT_EXIST',
  405: 'ENDPOINT_NOT_FOUND',
  409: 'RESOURCE_CONFLICT',
  413: 'INVALID_PARAMETER_VALUE',
  429: 'REQUEST_LIMIT_EXCEEDED',
  501: 'NOT_IMPLEMENTED',
  502: 'TEMPORARILY_UNAVAILABLE',
  503: 'TEMPORARILY_UNAVAILABLE',
  504: 'TEMPORARILY_UNAVAILABLE',
}

const ours = 'MLFLOW_'
const needsJson = "Bad Request. Content-Type must be one of ['application/json']."

/** Errors as MLflow's clients expect them. A body that is no JSON is a 400 for them, whatever is wrong with it. */
const format = ({ code, status, message, hint }: CodedError): { status?: number; body: unknown } => {
  if (code.startsWith(ours)) return { body: { error_code: code.slice(ours.length), message } }
  if (status === 421) return { status: 403, body: { error_code: byStatus[403], message: `${message} ${hint}` } }
  if (status === 415) return { status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE', message: needsJson } }
  return { body: { error_code: byStatus[status] ?? 'INTERNAL_ERROR', message: `${message} ${hint}` } }
}

export const mlflowErrors: readonly ErrorFormat[] = ['/api/', '/ajax-api/', '/get-artifact', '/model-versions/'].map(
  (prefix) => ({
    prefix,
    format,
  }),
)
