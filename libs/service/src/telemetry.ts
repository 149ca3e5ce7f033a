import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'

/** Starts OpenTelemetry when an endpoint is set; the SDK is not even loaded otherwise. */
export const startTelemetry = async (app: string, endpoint: string | null): Promise<{ stop(): Promise<void> } | null> => {
  if (endpoint === null) return null
  const { NodeSDK } = await import('@opentelemetry/sdk-node')
  const sdk = new NodeSDK({ serviceName: `cascata-${app}`, instrumentations: [] })
  sdk.start()
  return { stop: () => sdk.shutdown() }
}

const startSpan = (app: string, request: FastifyRequest) => {
  const route = request.routeOptions.url ?? 'unmatched'
  const parent = propagation.extract(context.active(), request.headers)
  const attributes = { 'http.request.method': request.method, 'http.route': route }
  return trace.getTracer(`cascata-${app}`).startSpan(`${request.method} ${route}`, { kind: SpanKind.SERVER, attributes }, parent)
}

/** A server span a request, joined to the caller's trace. */
export const traceRequests = (fastify: FastifyInstance, app: string): void => {
  const spans = new WeakMap<FastifyRequest, ReturnType<typeof startSpan>>()
  fastify.addHook('preValidation', (request, _reply, next) => {
    const span = startSpan(app, request)
    spans.set(request, span)
    context.with(trace.setSpan(context.active(), span), next)
  })
  fastify.addHook('onResponse', (request: FastifyRequest, reply: FastifyReply, next) => {
    const span = spans.get(request)
    span?.setAttribute('http.response.status_code', reply.statusCode)
    if (reply.statusCode >= 500) span?.setStatus({ code: SpanStatusCode.ERROR })
    span?.end()
    next()
  })
}

/** Headers that carry the active trace on, empty when there is none. */
export const traceHeaders = (): Record<string, string> => {
  const carrier: Record<string, string> = {}
  propagation.inject(context.active(), carrier)
  return carrier
}
