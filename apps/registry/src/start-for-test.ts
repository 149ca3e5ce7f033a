import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase, silent } from '@cascata/messaging'
import { backing, uniqueName } from '@cascata/testing'
import { config } from './config.ts'
import { start } from './start.ts'

/** A registry of its own: free port, own schema, own folder; Kafka is shared with other tests, so look for what is yours. */
export const startForTest = async (more: Record<string, string> = {}) => {
  const { kafka, postgres } = backing()
  const schema = more['REGISTRY_DATABASE_SCHEMA'] ?? uniqueName('registry')
  const home = more['CASCATA_HOME'] ?? mkdtempSync(join(tmpdir(), 'registry-'))
  const settings = config.parse({
    KAFKA_BROKERS: kafka,
    DATABASE_URL: postgres,
    REGISTRY_PORT: '0',
    REGISTRY_DATABASE_SCHEMA: schema,
    CASCATA_HOME: home,
    CASCATA_LOG_LEVEL: 'silent',
    CASCATA_DATABASE_POOL: '5',
    ...more,
  })
  const service = await start(settings)
  const call = async (method: string, path: string, body?: string | Buffer | object, headers: Record<string, string> = {}) => {
    const json = typeof body === 'object' && !Buffer.isBuffer(body)
    const answer = await fetch(service.url + path, {
      method,
      ...(body === undefined ? {} : { body: json ? JSON.stringify(body) : (body as string) }),
      headers: { ...(json ? { 'content-type': 'application/json' } : {}), ...headers },
    })
    const text = await answer.text()
    const parsed = /^[[{]/.test(text) ? (JSON.parse(text) as any) : undefined // eslint-disable-line @typescript-eslint/no-explicit-any -- tests look into any answer
    return { status: answer.status, headers: answer.headers, text, body: parsed }
  }
  /** Ends it and removes what it kept; `end` leaves that to another one. */
  const stop = async () => {
    await service.stop()
    const db = await openDatabase({ url: postgres, schema, log: silent, poolSize: 1 })
    await db.query(`drop schema ${schema} cascade`)
    await db.close()
    rmSync(home, { recursive: true, force: true })
  }
  return { url: service.url, call, settings, home, stop, end: service.stop }
}
