import { permission, requireAccess } from '@cascata/service'
import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { z } from 'zod'
import { type BlobStore } from '../blobs/blob-store.ts'
import { streamedBodies } from '../blobs/blobs.routes.ts'
import { keepBlob } from '../blobs/blobs.store.ts'
import { uploaded } from '../blobs/uploaded.ts'
import { notImplemented, resourceDoesNotExist } from '../errors.ts'
import { findArtifact, listArtifacts, removeArtifacts, saveArtifact } from './artifacts.store.ts'
import { type Endpoint, endpoint, prefixes, type Tracking } from './endpoints.ts'
import { getLoggedModel, loggedModelRoot } from './logged-models.ts'
import { locateSource } from './model-source.ts'
import { byVersion, findVersion } from './model-versions.ts'
import { artifactUri, findActiveRun, getRun, runRoot } from './runs.store.ts'
import { checkedPath } from './validate-artifact-path.ts'
import { opaqueId, parsed, refuse, runOf, runRef, text } from './wire.ts'

interface Settings extends Tracking {
  readonly blobs: BlobStore
  readonly limitBytes: number
  readonly timeoutMs: number
}

const run = z.object({ ...runRef, path: text.default('') })

/** `artifacts/list` of a run. */
export const artifactEndpoints = ({ db }: Tracking): Endpoint[] => [
  endpoint('GET', 'artifacts/list', 'viewer', run, async (asked) => {
    const root = runRoot(await getRun(db, runOf(asked)))
    return { root_uri: artifactUri(root), files: await listArtifacts(db, root, checkedPath(asked.path)) }
  }),
]

const types: Readonly<Record<string, string>> = {
  txt: 'text/plain',
  log: 'text/plain',
  err: 'text/plain',
  md: 'text/plain',
  yaml: 'text/plain',
  yml: 'text/plain',
  mlmodel: 'text/plain',
  mlproject: 'text/plain',
  py: 'text/plain',
  csv: 'text/csv',
  json: 'application/json',
  html: 'text/html',
  png: 'image/png',
  jpg: 'image/jpeg',
  svg: 'image/svg+xml',
  pdf: 'application/pdf',
}

const typeOf = (path: string): string => {
  const name = path.split('/').at(-1)!.toLowerCase()
  return types[name.includes('.') ? name.split('.').at(-1)! : name] ?? 'application/octet-stream'
}

/** Sends an artifact as a file to keep: a browser never shows it as a page of this site. */
const send = async ({ db, blobs }: Settings, path: string, reply: FastifyReply): Promise<FastifyReply> => {
  const found = await findArtifact(db, path)
  if (!found) throw resourceDoesNotExist({ message: `No such artifact: '${path}'` })
  const name = encodeURIComponent(path.split('/').at(-1)!)
  return reply
    .type(typeOf(path))
    .header('content-length', found.size)
    .header('content-disposition', `attachment; filename*=UTF-8''${name}`)
    .header('etag', `"${found.sha256}"`)
    .send(await blobs.read(found.sha256))
}

/** The namespace that a path of the proxy belongs to: that of its experiment. */
const mayUse = async ({ db }: Settings, path: string): Promise<void> => {
  const [experiment] = path.split('/')
  const rows = /^\d{1,18}$/.test(experiment!)
    ? await db.query<{ namespace: string }>('select namespace from experiment where id = $1', [experiment])
    : []
  requireAccess(rows[0]?.namespace ?? 'default')
}

const pathOf = (request: FastifyRequest): string => {
  const path = checkedPath((request.params as { '*': string })['*'])
  return path === '' ? refuse('Invalid path: a file needs a name') : path
}

const proxyRoutes = (scope: FastifyInstance, prefix: string, settings: Settings): void => {
  const { db, limitBytes, timeoutMs } = settings
  const base = `${prefix}/mlflow-artifacts`
  const config = (needs: 'viewer' | 'trainer') => ({
    permission: permission(needs, { scope: 'handler' }),
    bodyLimit: limitBytes,
    timeoutMs,
  })

  scope.get(`${base}/artifacts`, { config: config('viewer') }, async (request) => {
    const path = checkedPath(parsed(z.object({ path: text.default('') }), request.query).path)
    await mayUse(settings, path)
    const files = await listArtifacts(db, path, '')
    return { files }
  })
  scope.get(`${base}/artifacts/*`, { config: config('viewer') }, async (request, reply) => {
    const path = pathOf(request)
    await mayUse(settings, path)
    return send(settings, path, reply)
  })
  scope.put(`${base}/artifacts/*`, { config: config('trainer') }, async (request) => {
    const path = pathOf(request)
    await mayUse(settings, path)
    const { sha256 } = await keepBlob(settings, uploaded(request))
    await saveArtifact(db, path, sha256)
    return {}
  })
  scope.delete(`${base}/artifacts/*`, { config: config('trainer') }, async (request) => {
    const path = pathOf(request)
    await mayUse(settings, path)
    await removeArtifacts(db, path)
    return {}
  })
  scope.all(`${base}/*`, { config: config('viewer') }, () => {
    throw notImplemented({ message: 'Multipart upload is not supported for the current artifact repository' })
  })
}

const largestUpload = 10 * 1024 ** 2

/** Where pages of MLflow fetch files of runs, of logged models and of versions, and put one. */
const pageRoutes = (scope: FastifyInstance, settings: Settings): void => {
  const { db, timeoutMs } = settings
  const config = { permission: permission('viewer', { scope: 'handler' }), timeoutMs }
  scope.get('/get-artifact', { config }, async (request, reply) => {
    const asked = parsed(run, request.query)
    return send(settings, `${runRoot(await getRun(db, runOf(asked)))}/${checkedPath(asked.path)}`, reply)
  })
  const ofVersion = byVersion.extend({ path: text })
  for (const url of ['/model-versions/get-artifact', '//model-versions/get-artifact']) {
    scope.get(url, { config }, async (request, reply) => {
      const asked = parsed(ofVersion, request.query)
      const { source, run: made } = await findVersion(db, asked)
      const { root } = await locateSource(db, source, made ?? undefined)
      return send(settings, `${root}/${checkedPath(asked.path)}`, reply)
    })
  }
  const ofModel = z.object({ model_id: opaqueId, artifact_file_path: text })
  const upload = z.object({ run_uuid: opaqueId, path: text.min(1) })
  for (const prefix of prefixes) {
    scope.get(`${prefix}/mlflow/logged-models/:model_id/artifacts/files`, { config }, async (request, reply) => {
      const asked = parsed(ofModel, { ...(request.query as object), ...(request.params as object) })
      const root = loggedModelRoot(await getLoggedModel(db, asked.model_id))
      return send(settings, `${root}/${checkedPath(asked.artifact_file_path)}`, reply)
    })
    const put = { permission: permission('trainer', { scope: 'handler' }), bodyLimit: largestUpload, timeoutMs }
    scope.post(`${prefix}/mlflow/upload-artifact`, { config: put }, async (request) => {
      const asked = parsed(upload, request.query)
      const path = checkedPath(asked.path)
      if (Number(request.headers['content-length'] ?? 0) > largestUpload) refuse('Artifact size is too large. Max size is 10MB.')
      const { sha256 } = await keepBlob(settings, uploaded(request))
      await saveArtifact(db, `${runRoot(await findActiveRun(db, asked.run_uuid))}/${path}`, sha256)
      return {}
    })
  }
}

/** The artifact proxy under every prefix, and the routes that the user interface of MLflow uses. */
export const artifactRoutes = (fastify: FastifyInstance, settings: Settings): void => {
  void fastify.register((scope, _options, done) => {
    streamedBodies(scope)
    for (const prefix of prefixes) proxyRoutes(scope, prefix, settings)
    pageRoutes(scope, settings)
    done()
  })
}
