import { type FastifyInstance, type FastifyRequest } from 'fastify'
import {
  foreignHost,
  foreignOrigin,
  loginNeeded,
  outOfScope,
  rateExceeded,
  roleTooLow,
  tokenUnknown,
  tooManyFailures,
  unscopedRoute,
} from './auth-errors.ts'
import { unsafeAddress } from './start-errors.ts'
import { type CommonConfig } from './config.ts'
import { type Logger } from './logger.ts'
import { type Permission, scopeInPath } from './permission.ts'
import { rateLimiter } from './rate-limit.ts'
import { anonymousPrincipal, type Authenticate, localPrincipal, type Principal, roleAllows, watchTokens } from './tokens.ts'

/** A route as the guard knows it. */
export interface RouteInfo {
  method: string
  url: string
  permission: Permission
}

/** An address that only this machine reaches. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)

/** What has to be so before an app listens: no login on loopback only; anywhere else tokens, and something that keeps them from being read on the wire. */
export const assertSafeAddress = ({ host, tokensFile, tls }: Pick<CommonConfig, 'host' | 'tokensFile' | 'tls'>): void => {
  if (isLoopback(host)) return
  const missing = [
    ...(tokensFile ? [] : ['CASCATA_TOKENS_FILE with at least one token']),
    ...(tls === 'none' ? ['CASCATA_TLS=in-front (a proxy ends TLS before the app) or private-network'] : []),
  ]
  if (missing.length > 0) throw unsafeAddress({ host, missing })
}

const hostNameOf = (host: string): string =>
  (host.startsWith('[') ? host.slice(0, host.indexOf(']') + 1) : host.split(':')[0]!).toLowerCase()

const isLocalName = (name: string): boolean => isLoopback(name) || name.endsWith('.localhost')

/** Without login a page in a browser must not reach the platform: neither under a foreign name that points here (DNS rebinding), nor across sites. */
const refuseForeigners = (request: FastifyRequest): void => {
  const { host, origin } = request.headers
  if (host !== undefined && !isLocalName(hostNameOf(host))) throw foreignHost({ host: host.slice(0, 100) })
  if (origin !== undefined && !(URL.canParse(origin) && isLocalName(new URL(origin).hostname)))
    throw foreignOrigin({ origin: origin.slice(0, 100) })
  if (request.headers['sec-fetch-site'] === 'cross-site') throw foreignOrigin({ origin: 'another site' })
}

const bearerOf = (request: FastifyRequest): string | null => {
  const match = /^Bearer ([A-Za-z0-9._~+/=-]{8,512})$/i.exec(request.headers.authorization ?? '')
  return match ? match[1]! : null
}

const inSeconds = (ms: number): number => Math.ceil(ms / 1_000)

/** Logs in, with limits: a right token is never kept out by wrong ones from the same address. */
const loggingIn = (authenticate: Authenticate, limit: number) => {
  const failures = rateLimiter({ perSecond: 20, burst: 200 })
  const requests = limit > 0 ? rateLimiter({ perSecond: limit, burst: limit * 10 }) : () => 0
  return (request: FastifyRequest): Principal => {
    const token = bearerOf(request)
    if (token === null) throw loginNeeded()
    const principal = authenticate(token)
    const now = performance.now()
    if (!principal) {
      const wait = failures(request.ip, now)
      throw wait > 0 ? tooManyFailures({ retryAfterSeconds: inSeconds(wait) }) : tokenUnknown()
    }
    const wait = requests(principal.name, now)
    if (wait > 0) throw rateExceeded({ limit, retryAfterSeconds: inSeconds(wait) })
    return principal
  }
}

const authorize = (request: FastifyRequest, { needs, scope }: Permission, principal: Principal): void => {
  if (needs !== 'public' && !needs.some((role) => roleAllows(principal.role, role)))
    throw roleTooLow({ role: principal.role, needed: [...needs, 'admin'] })
  if (principal.unscoped || scope !== 'path') return
  const { namespace, resource } = scopeInPath(request)
  if (namespace === undefined) throw unscopedRoute()
  if (!principal.allows(namespace, resource)) throw outOfScope({ namespace, ...(resource === undefined ? {} : { resource }) })
}

/**
 * The one guard: every request passes it before its body is read.
 *
 * Collects every route of the instance, of Nest and of Fastify itself; `assertComplete` throws when one has no permission.
 */
export const installGuard = async (fastify: FastifyInstance, config: CommonConfig, log: Logger) => {
  const routes: RouteInfo[] = []
  const bare: string[] = []
  const tokens = config.tokensFile ? await watchTokens(config.tokensFile, log) : null

  const logIn = tokens && loggingIn(tokens.authenticate, config.rateLimit)

  fastify.addHook('onRoute', (route) => {
    const permission = route.config?.permission
    for (const method of [route.method].flat()) {
      if (permission) routes.push({ method, url: route.url, permission })
      else bare.push(`${method} ${route.url}`)
    }
    if (route.config?.bodyLimit) route.bodyLimit = route.config.bodyLimit
    const timeoutMs = route.config?.timeoutMs ?? config.requestTimeout
    if (timeoutMs > 0) route.handlerTimeout = timeoutMs
  })

  const admit = (request: FastifyRequest): Principal => {
    const permission = request.routeOptions.config.permission
    if (!tokens && (request.is404 || permission?.needs !== 'public')) refuseForeigners(request)
    if (request.is404 || permission?.needs === 'public') return tokens ? anonymousPrincipal : localPrincipal
    const principal = logIn ? logIn(request) : localPrincipal
    if (!permission) throw roleTooLow({ role: principal.role, needed: [] })
    authorize(request, permission, principal)
    return principal
  }

  fastify.addHook('onRequest', (request, _reply, next) => {
    try {
      request.cascata.principal = admit(request)
      next()
    } catch (error) {
      next(error as Error)
    }
  })

  return {
    routes,
    assertComplete: () => {
      if (bare.length > 0) throw new Error(`Every route needs a permission; these have none: ${bare.join(', ')}`)
    },
    stop: () => tokens?.stop(),
  }
}
