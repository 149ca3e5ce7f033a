import 'reflect-metadata'
import { type FastifyRequest } from 'fastify'
import { outOfScope } from './auth-errors.ts'
import { currentContext } from './context.ts'
import { anonymousPrincipal, type Principal, type Role } from './tokens.ts'

/**
 * Where the namespace of a request is.
 *
 * - `path`: in the parameters `ns` or `namespace`, and the resource in `model`, `view` or `name`;
 * - `handler`: in the body or the query; the handler calls `requireAccess` before it does anything, or shows only what `mayAccess`;
 * - `none`: the route has nothing of any namespace.
 */
export type Scope = 'path' | 'handler' | 'none'

export interface Permission {
  /** Roles that may call the route, besides `admin`; `public`: everybody, without login. */
  needs: readonly Role[] | 'public'
  scope: Scope
}

declare module 'fastify' {
  interface FastifyContextConfig {
    permission?: Permission
    /** Limits of this route when they differ from the app's. `timeoutMs: 0`: none, for a hot route whose every wait is bounded itself (a timer costs some 6 µs a request). */
    bodyLimit?: number
    timeoutMs?: number
  }
}

export const permission = (needs: Role | readonly Role[] | 'public', { scope = 'path' }: { scope?: Scope } = {}): Permission => ({
  needs: needs === 'public' ? 'public' : typeof needs === 'string' ? [needs] : (needs as readonly Role[]),
  scope,
})

/** The key under which the Fastify adapter of Nest looks for a route's `config`. */
const routeConfigKey = '__fastify_route_config__'
const nestPathKey = 'path'

const addRouteConfig = (handler: object, config: object, override: boolean) => {
  const present = (Reflect.getMetadata(routeConfigKey, handler) ?? {}) as object
  Reflect.defineMetadata(routeConfigKey, override ? { ...present, ...config } : { ...config, ...present }, handler)
}

type RouteDecorator = MethodDecorator & ClassDecorator

const routeConfig = (config: object): RouteDecorator =>
  ((target: { prototype: object }, _key?: string | symbol, descriptor?: PropertyDescriptor) => {
    if (descriptor) return addRouteConfig(descriptor.value as object, config, true)
    for (const name of Object.getOwnPropertyNames(target.prototype)) {
      const method = Object.getOwnPropertyDescriptor(target.prototype, name)?.value as unknown
      if (typeof method === 'function' && name !== 'constructor' && Reflect.hasMetadata(nestPathKey, method))
        addRouteConfig(method, config, false)
    }
    return undefined
  }) as unknown as RouteDecorator

/**
 * Who may call a route: `@Permission('deployer')` above a method, or above a controller for all its routes that say nothing themselves.
 * A route without one keeps the app from starting.
 */
export const Permission = (needs: Role | readonly Role[] | 'public', options?: { scope?: Scope }): RouteDecorator =>
  routeConfig({ permission: permission(needs, options) })

/** Limits of a route that differ from the app's: body size in bytes, time to answer in ms. */
export const Limits = (limits: { bodyLimit?: number; timeoutMs?: number }): RouteDecorator => routeConfig(limits)

/** Who asks, in a handler of a request. */
export const currentPrincipal = (): Principal => currentContext()?.principal ?? anonymousPrincipal

/** Whether who asks may see or touch the resource: to filter lists. */
export const mayAccess = (namespace: string, resource?: string): boolean => currentPrincipal().allows(namespace, resource)

/** Throws `AUTH_SCOPE` unless who asks may touch the resource: for names that a body or a query carries. */
export const requireAccess = (namespace: string, resource?: string): void => {
  if (!mayAccess(namespace, resource)) throw outOfScope({ namespace, ...(resource === undefined ? {} : { resource }) })
}

/** Namespace and resource as the path has them. */
export const scopeInPath = (request: FastifyRequest): { namespace?: string; resource?: string } => {
  const params = (request.params ?? {}) as Record<string, string | undefined>
  return { namespace: params['ns'] ?? params['namespace'], resource: params['model'] ?? params['view'] ?? params['name'] }
}
