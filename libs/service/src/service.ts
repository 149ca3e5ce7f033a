import { type DynamicModule, type Provider, type Type } from '@nestjs/common'
import { type CustomTransportStrategy } from '@nestjs/microservices'
import { type FastifyInstance } from 'fastify'
import { type CommonConfig } from './config.ts'
import { type RouteInfo } from './guard.ts'
import { type Check } from './health.ts'
import { type ErrorFormat } from './http-server.ts'
import { type Logger } from './logger.ts'
import { type Registry } from './metrics.ts'
import { type RouteNotes } from './route-notes.ts'

export interface ServiceOptions {
  app: string
  config: CommonConfig
  log: Logger
  registry: Registry
  version?: string
  /** The app's Nest module, or just its controllers and providers. */
  module?: Type | DynamicModule
  controllers?: Type[]
  providers?: Provider[]
  /** Hot routes, put on Fastify itself: `fastify.post('/v2/…', { config: { permission: permission('viewer') } }, handler)`; the same guard and errors hold. */
  routes?: (fastify: FastifyInstance) => unknown
  /** What `/openapi.json` tells of the routes, for `docs/api.md`. */
  notes?: RouteNotes
  /** What has to answer before the app is ready, by name. */
  checks?: Record<string, Check>
  /** The sides of the app that are not HTTP, started before it answers and closed with it. */
  transports?: readonly CustomTransportStrategy[]
  /** How errors look under the paths of a foreign protocol. */
  errorFormats?: readonly ErrorFormat[]
  /** Lets go of consumers and connections; runs after the last request was answered. */
  onStop?: () => unknown
}

export interface RunningService {
  url: string
  /** Answers what is under way, then stops; calling it again waits for the same stop. */
  stop(): Promise<void>
  routes: readonly RouteInfo[]
  fastify: FastifyInstance
}

/**
 * Starts an app's HTTP side: its routes behind the guard, health, metrics, OpenAPI.
 *
 * Refuses to start when a route has no permission, or when the address can be reached from elsewhere without login. What was opened is closed when it fails.
 * `onStop` is called also then, so that an app can open its connections first.
 */
export const startService = async (options: ServiceOptions): Promise<RunningService> => {
  const { bootstrap } = await import('./bootstrap.ts')
  try {
    return await bootstrap(options)
  } catch (error) {
    await options.onStop?.()
    throw error
  }
}
