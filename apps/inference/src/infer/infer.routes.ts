import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { mayAccess, permission, type ErrorFormat } from '@cascata/service'
import { codedOf, codeOf, isCallersFault } from '../errors.ts'
import { type Metrics } from '../metrics.ts'
import { type ModelHost } from '../models/model-host.ts'
import { readRequest } from '../protocol/binary.ts'
import { bytesOf, takeBytes } from '../protocol/bodies.ts'
import { type TensorSpec } from '../protocol/tensors.ts'
import { type InferRequest, type Limits } from '../protocol/validate-request.ts'
import { keyOf, type Router } from '../routing/router.ts'
import { type inferencer } from './inferencer.ts'
import { nameOfKey, type ModelsByName } from './models-by-name.ts'

interface Parts {
  models: ModelsByName
  router: Router
  infer: ReturnType<typeof inferencer>
  host: ModelHost
  metrics: Metrics
  limits: Limits & { depth: number }
  bodyLimit: number
  timeoutMs: number
  /** Bodies from this many bytes on are read in the other process. */
  parseAside: number
  isReady(): boolean
}

type ModelRequest = FastifyRequest<{ Params: { model: string; version?: string } }>

/** Errors of the protocol are `{"error"}`; the code stands before the words. */
export const protocolErrors: ErrorFormat = {
  prefix: '/v2',
  format: ({ code, message }) => ({ body: { error: `${code}: ${message}` } }),
}

const jsonType = 'application/json'

/** Open Inference Protocol v2. */
export const inferRoutes = (fastify: FastifyInstance, parts: Parts): void => {
  const open = { config: { permission: permission('public', { scope: 'none' }) } }
  const view = { config: { permission: permission('viewer', { scope: 'handler' }) } }
  const hot = { config: { ...view.config, bodyLimit: parts.bodyLimit, timeoutMs: 0 } }

  void fastify.register((scope, _options, done) => {
    takeBytes(scope)
    scope.get('/v2', open, () => ({ name: 'cascata', version: '0.1.0', extensions: ['binary_tensor_data', 'model_repository'] }))
    scope.get('/v2/health/live', open, () => ({ live: true }))
    scope.get('/v2/health/ready', open, (_request, reply) =>
      reply.code(parts.isReady() ? 200 : 503).send({ ready: parts.isReady() }),
    )
    for (const path of ['/v2/models/:model', '/v2/models/:model/versions/:version']) {
      scope.get(path, view, (request: ModelRequest) => metadataOf(parts, request))
      scope.get(`${path}/ready`, view, (request: ModelRequest) => readyOf(parts, request))
      scope.post(`${path}/infer`, hot, (request: ModelRequest, reply) => inferOf(parts, request, reply))
    }
    scope.post('/v2/repository/index', view, () => indexOf(parts))
    done()
  })
}

function metadataOf({ models }: Parts, { params }: ModelRequest) {
  const named = models.find(params.model)
  const { inputs, loaded, version } = models.version(named, params.version)
  const listed = ({ name, datatype, shape }: TensorSpec) => ({ name, datatype, shape })
  const versions = params.version === undefined ? named.serving.versions().map((each) => each.version) : [version]
  return { name: named.name, versions, platform: 'onnx_onnxv1', inputs: inputs.map(listed), outputs: loaded.outputs.map(listed) }
}

function readyOf({ models }: Parts, { params }: ModelRequest) {
  const named = models.find(params.model)
  return { name: named.name, version: models.version(named, params.version).version, ready: true }
}

const indexOf = ({ router }: Parts) =>
  router
    .serving()
    .filter(({ route }) => mayAccess(route.namespace, route.model))
    .flatMap((serving) =>
      serving.versions().map(({ version }) => ({
        name: nameOfKey(serving.route),
        version,
        state: 'READY',
        reason: '',
        model: keyOf(serving.route),
      })),
    )

async function inferOf(parts: Parts, request: ModelRequest, reply: FastifyReply): Promise<FastifyReply> {
  const began = performance.now()
  try {
    const named = parts.models.find(request.params.model)
    const version = request.params.version === undefined ? undefined : parts.models.version(named, request.params.version)
    const read = await requestOf(parts, request, version?.inputs ?? parts.models.version(named, undefined).inputs)
    const { body, headerLength } = await parts.infer({ ...named, version, request: read, began })
    if (headerLength === undefined) return reply.type(jsonType).send(body)
    return reply.type('application/octet-stream').header('inference-header-content-length', headerLength).send(body)
  } catch (error) {
    const coded = codedOf(error)
    if (isCallersFault(coded)) parts.metrics.refused.inc({ code: codeOf(coded) })
    throw coded
  }
}

async function requestOf(
  { bodyLimit, limits, parseAside, host, timeoutMs }: Parts,
  request: ModelRequest,
  inputs: readonly TensorSpec[],
): Promise<InferRequest> {
  const bytes = bytesOf(request, bodyLimit)
  const body = Buffer.isBuffer(bytes) ? bytes : await bytes
  const headerLength = request.headers['inference-header-content-length'] as string | undefined
  if (body.length < parseAside) return readRequest(body, headerLength, limits, inputs)
  return host.call({ do: 'parse', body, headerLength, limits, inputs }, timeoutMs)
}
