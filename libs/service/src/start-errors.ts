import { defineError } from './errors.ts'

export const startFailed = defineError<{ app: string; address: string; reason: string }>({
  code: 'SERVICE_START_FAILED',
  status: 500,
  retry: true,
  message: ({ app, address, reason }) => `${app} can't listen on ${address}: ${reason}.`,
  hint: 'Stop what uses the port, or move all ports with CASCATA_PORT_OFFSET.',
})

export const unsafeAddress = defineError<{ host: string; missing: string[] }>({
  code: 'SERVICE_UNSAFE_ADDRESS',
  status: 500,
  retry: false,
  message: ({ host }) =>
    `${host} can be reached from other machines, and nobody would have to log in, or tokens could be read on the wire.`,
  hint: ({ missing }) => `Set ${Array.isArray(missing) ? missing.join(', and ') : missing}, or listen on 127.0.0.1.`,
})
