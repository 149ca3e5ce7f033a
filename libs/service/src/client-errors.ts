import { defineError } from './errors.ts'

export const upstreamUnreachable = defineError<{ url: string; reason: string }>({
  code: 'UPSTREAM_UNREACHABLE',
  status: 503,
  retry: true,
  message: ({ url, reason }) => `${url} can't be reached: ${reason}.`,
  hint: 'Is the app running? `./cascata status` shows; its address is a setting of this app.',
})
export const upstreamTimeout = defineError<{ url: string; timeoutMs: number }>({
  code: 'UPSTREAM_TIMEOUT',
  status: 504,
  retry: true,
  message: ({ url, timeoutMs }) => `${url} did not answer within ${timeoutMs} ms.`,
  hint: 'Try again; if it stays, look at /readyz of that app.',
})
export const upstreamAnswer = defineError<{ url: string; status: number; reason?: string }>({
  code: 'UPSTREAM_ANSWER',
  status: 502,
  retry: true,
  message: ({ url, status, reason }) =>
    `${url} answered with status ${status}${reason ? `: ${reason}` : ' and nothing that says why'}.`,
  hint: 'Is the address that of the right app? Its log says more.',
})
