import { defineError } from './errors.ts'

export const loginNeeded = defineError({
  code: 'AUTH_LOGIN_NEEDED',
  status: 401,
  retry: false,
  message: 'A bearer token is needed.',
  hint: 'Send `Authorization: Bearer <token>`; ask an admin for a token.',
})
export const tokenUnknown = defineError({
  code: 'AUTH_TOKEN_UNKNOWN',
  status: 401,
  retry: false,
  message: 'The token is not one of ours.',
  hint: 'Ask an admin for a new token.',
})
export const tooManyFailures = defineError<{ retryAfterSeconds: number }>({
  code: 'AUTH_TOO_MANY_FAILURES',
  status: 429,
  retry: true,
  message: 'Too many wrong tokens came from this address.',
  hint: ({ retryAfterSeconds }) => `Try again in ${retryAfterSeconds} s, with a token of ours.`,
})
export const rateExceeded = defineError<{ limit: number; retryAfterSeconds: number }>({
  code: 'AUTH_RATE_LIMIT',
  status: 429,
  retry: true,
  message: ({ limit }) => `This token sends more than ${limit} requests a second.`,
  hint: ({ retryAfterSeconds }) => `Try again in ${retryAfterSeconds} s. The limit is CASCATA_RATE_LIMIT.`,
})
export const roleTooLow = defineError<{ role: string; needed: string[] }>({
  code: 'AUTH_ROLE',
  status: 403,
  retry: false,
  message: ({ role }) => `A ${role} may not do this.`,
  hint: ({ needed }) => `A token of role ${Array.isArray(needed) ? needed.join(' or ') : needed} is needed.`,
})
export const outOfScope = defineError<{ namespace: string; resource?: string }>({
  code: 'AUTH_SCOPE',
  status: 403,
  retry: false,
  message: ({ namespace, resource }) =>
    `The token is not for ${resource ? `${namespace}/${resource}` : `namespace ${namespace}`}.`,
  hint: 'Ask an admin for a token whose namespaces and resources hold it.',
})
export const unscopedRoute = defineError({
  code: 'AUTH_UNSCOPED_ROUTE',
  status: 403,
  retry: false,
  message: 'This route serves all namespaces at once; the token is for some of them.',
  hint: 'Name the namespace in the request where the route takes one, or ask for a token for all namespaces.',
})
export const foreignHost = defineError<{ host: string }>({
  code: 'AUTH_FOREIGN_HOST',
  status: 421,
  retry: false,
  message: ({ host }) => `Without login only localhost is served, not ${host}.`,
  hint: 'Call http://127.0.0.1 or http://localhost; for other names set CASCATA_HOST, CASCATA_TOKENS_FILE and CASCATA_TLS.',
})
export const foreignOrigin = defineError<{ origin: string }>({
  code: 'AUTH_FOREIGN_ORIGIN',
  status: 403,
  retry: false,
  message: ({ origin }) => `A page of ${origin} may not call a platform without login.`,
  hint: 'Use the console or the command on this machine.',
})
