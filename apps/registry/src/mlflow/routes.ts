import { permission } from '@cascata/service'
import { type FastifyInstance } from 'fastify'
import { type BlobStore } from '../blobs/blob-store.ts'
import { type PostSettings } from '../deliveries/post.ts'
import { type CommandChampion } from '../versions/command-champion.ts'
import { type Secrets } from '../webhooks/secrets.ts'
import { aliasAndStageEndpoints } from './aliases.ts'
import { artifactEndpoints, artifactRoutes } from './artifacts.ts'
import { type Endpoint, mountEndpoints, type Tracking } from './endpoints.ts'
import { experimentEndpoints } from './experiments.ts'
import { loggedModelEndpoints } from './logged-models.ts'
import { loggedModelSearch } from './logged-models.search.ts'
import { metricEndpoints } from './metrics.ts'
import { modelVersionEndpoints } from './model-versions.ts'
import { registeredModelEndpoints } from './registered-models.ts'
import { retiringEndpoints } from './retiring.ts'
import { runDataEndpoints } from './run-data.ts'
import { runEndpoints } from './runs.ts'
import { webhookEndpoints } from './webhooks.ts'

/** The version of MLflow whose protocol is spoken. */
const spoken = '3.17.2'

interface Settings extends Tracking {
  readonly blobs: BlobStore
  readonly limitBytes: number
  readonly timeoutMs: number
  readonly champion: CommandChampion
  readonly webhooks: PostSettings & { readonly secrets: Secrets }
}

/** What newer clients ask before their first upload: plain uploads, nothing else. */
const serverInfo: Endpoint = {
  methods: ['GET'],
  path: 'server-info',
  needs: 'viewer',
  answer: async () => ({
    store_type: 'SqlStore',
    multipart_uploads_enabled: false,
    multipart_downloads_enabled: false,
    artifacts_presigned_only: false,
    workspaces_enabled: false,
  }),
}

/** MLflow's REST protocol: one line a group of routes. */
export const mlflowRoutes = (fastify: FastifyInstance, settings: Settings): void => {
  mountEndpoints(fastify, [
    serverInfo,
    ...experimentEndpoints(settings),
    ...runEndpoints(settings),
    ...runDataEndpoints(settings),
    ...metricEndpoints(settings),
    ...artifactEndpoints(settings),
    ...loggedModelEndpoints(settings),
    loggedModelSearch(settings),
    ...registeredModelEndpoints(settings),
    ...modelVersionEndpoints(settings),
    ...aliasAndStageEndpoints(settings),
    ...retiringEndpoints(settings),
    ...webhookEndpoints(settings),
  ])
  artifactRoutes(fastify, settings)
  const open = { config: { permission: permission('public', { scope: 'none' as const }) } }
  fastify.get('/health', open, (_request, reply) => reply.type('text/plain').send('OK'))
  fastify.get('/version', open, (_request, reply) => reply.type('text/plain').send(spoken))
}
