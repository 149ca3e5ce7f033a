import { mkdirSync } from 'node:fs'
import { connect } from 'node:net'
import { type Command } from '../processes/process.ts'
import { type LocalService } from './service.ts'

export interface RedisSettings {
  folder: string
  program: string
  port: number
  marks?: NodeJS.ProcessEnv
}

/** One PING in Redis' own protocol. @throws when no PONG comes within `timeoutMs`. */
export const ping = (host: string, port: number, timeoutMs = 2_000): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port })
    const end = (error?: Error) => {
      socket.destroy()
      if (error) reject(error)
      else resolve()
    }
    socket.setTimeout(timeoutMs, () => end(new Error(`Redis at ${host}:${port} did not answer within ${timeoutMs} ms.`)))
    socket.on('error', end)
    socket.on('connect', () => socket.write('PING\r\n'))
    socket.on('data', (chunk) =>
      end(
        chunk.toString().startsWith('+PONG') ? undefined : new Error(`Redis at ${host}:${port} says: ${chunk.toString().trim()}`),
      ),
    )
  })

/** A Redis server on loopback with an append-only file; it refuses writes rather than forget a key when memory is short. */
export const redis = ({ folder, program, port, marks }: RedisSettings): LocalService => ({
  name: 'redis',
  ports: [port],
  url: `redis://127.0.0.1:${port}`,
  stopSignal: 'SIGTERM',
  async prepare() {
    mkdirSync(folder, { recursive: true })
  },
  command: (): Command => ({
    file: program,
    args: [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--daemonize', 'no'],
      ...[
        '--appendonly',
        'yes',
        '--appendfsync',
        'everysec',
        '--maxmemory-policy',
        'noeviction',
        '--save',
        '',
        '--loglevel',
        'warning',
      ],
    ],
    env: { PATH: process.env['PATH'], LC_ALL: 'C', ...marks },
    cwd: folder,
  }),
  answers: () => ping('127.0.0.1', port),
})
