import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'

const service = new URL('./index.ts', import.meta.url).href
const main = `
import { createLogger, createRegistry, defineConfig, permission, runApp, setting, startService } from '${service}'
const config = defineConfig('trial', { port: setting.port(0) })
const start = (config) => startService({
  app: 'trial', config, log: createLogger('trial', config.logLevel), registry: createRegistry('trial'),
  routes: (fastify) => fastify.get('/', { config: { permission: permission('public') } }, () => ({})),
})
await runApp({ config, start }, process)
`

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cascata-run-'))
  await writeFile(join(folder, 'main.mjs'), main)
})
afterAll(() => rm(folder, { recursive: true }))

const run = (args: string[], env: Record<string, string>) => {
  const child = spawn(process.execPath, [join(folder, 'main.mjs'), ...args], { env: { PATH: process.env['PATH'], ...env } })
  const said = { out: '', err: '' }
  child.stdout.on('data', (data: Buffer) => (said.out += data.toString()))
  child.stderr.on('data', (data: Buffer) => (said.err += data.toString()))
  return { child, said, ended: once(child, 'close').then(([code]) => code as number | null) }
}

it('prints its settings', async () => {
  const { said, ended } = run(['--config'], { TRIAL_PORT: '9' })
  expect(await ended).toBe(0)
  expect(JSON.parse(said.out)).toContainEqual(expect.objectContaining({ env: 'TRIAL_PORT', value: '9' }))
}, 20_000)

it('ends with 1 and words for people when a setting is not legal', async () => {
  const { said, ended } = run([], { TRIAL_PROT: '9' })
  expect(await ended).toBe(1)
  expect(said.err).toContain('TRIAL_PROT is not a setting; did you mean TRIAL_PORT?')
  expect(said.err).not.toContain('    at ')
}, 20_000)

it('refuses an address that others reach before it opens anything', async () => {
  const { said, ended } = run([], { CASCATA_HOST: '0.0.0.0' })
  expect(await ended).toBe(1)
  expect(said.err).toContain('SERVICE_UNSAFE_ADDRESS')
}, 20_000)

it('starts, and stops in order on SIGTERM', async () => {
  const { child, said, ended } = run([], {})
  while (!said.out.includes('ready to answer')) await once(child.stdout, 'data')
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
  expect(said.out).toContain('"msg":"stopped"')
}, 20_000)

it('sends traces of its requests where it is told to', async () => {
  const got: string[] = []
  const collector = createServer((request, response) => {
    got.push(request.url ?? '')
    request.resume().on('end', () => response.end())
  })
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve))
  try {
    const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`
    const { child, said, ended } = run([], { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })
    while (!said.out.includes('ready to answer')) await once(child.stdout, 'data')
    const url = /"url":"([^"]+)"/.exec(said.out)![1]!
    expect((await fetch(url, { headers: { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` } })).status).toBe(200)
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
    expect(got).toContain('/v1/traces')
  } finally {
    collector.close()
  }
}, 30_000)
