import { defineError } from './errors.ts'

export const startFailed = defineError<{ app: string; address: string; reason: string }>({
  code: 'SERVICE_START_FAILED',
  status: 500,
  retry: true,
  message: ({ app, address, reason }) => `${app} can't listen on ${address}: ${reason}.`,
  hint: 'Stop what uses the port, or move all ports with CASCATA_PORT_OFFSET.',
})
