import { createHmac, randomBytes } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { routeChanged } from '@cascata/events'
import { connectKafka, type Database, fact, openDatabase, openProducer, silent, toRecord } from '@cascata/messaging'
import { backing, eventually, uniqueName } from '@cascata/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startForTest } from '../start-for-test.ts'
import { openSecrets, sealKept, type Secrets } from './secrets.ts'
import { testWebhook } from './test-webhook.ts'
import { type Webhook } from './webhook.ts'
import { addWebhook, changeWebhook, findWebhook, listWebhooks, removeWebhook } from './webhooks.store.ts'

interface Received {
  headers: IncomingMessage['headers']
  body: string
}

/** A receiver that answers what it is told to. */
const receiver = async (answer: (nth: number) => { status: number; headers?: Record<string, string> }) => {
  const received: Received[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      received.push({ headers: request.headers, body })
      const { status, headers } = answer(received.length)
      response.writeHead(status, headers).end('ok')
    })
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  stops.push(() => new Promise((closed) => (server.closeAllConnections(), server.close(closed))))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, received }
}

const stops: (() => Promise<unknown>)[] = []
const settings = { REGISTRY_WEBHOOK_HOSTS: '127.0.0.1', REGISTRY_DATABASE_SCHEMA: uniqueName('registry') }
let registry: Awaited<ReturnType<typeof startForTest>>
let db: Database
let secrets: Secrets
beforeAll(async () => {
  registry = await startForTest(settings)
  db = await openDatabase({ url: backing().postgres, schema: settings.REGISTRY_DATABASE_SCHEMA, log: silent, poolSize: 2 })
  stops.push(() => db.close())
  secrets = await openSecrets(null, keyFile())
})
afterAll(async () => {
  await Promise.all(stops.map((stop) => stop()))
  await registry?.stop()
})

const keyFile = () => join(registry.home, 'registry', 'secrets.key')

const created = [{ entity: 'MODEL_VERSION', action: 'CREATED' }]
const hook = (url: string, more: Partial<Webhook> = {}) => {
  const webhook_id = uniqueName('wh')
  return addWebhook(
    db,
    {
      webhook_id,
      name: 'ci',
      description: null,
      url,
      sealed: secrets.seal(webhook_id, 'shh'),
      events: created,
      status: 'ACTIVE',
      ...more,
    },
    Date.now(),
  )
}

const newVersion = async (model: string): Promise<string> => {
  const { sha256 } = (await registry.call('PUT', '/v1/blobs', Buffer.from(uniqueName('onnx')))).body
  const { body, status } = await registry.call('POST', '/v1/versions', {
    model,
    run: uniqueName('r'),
    modelSha256: sha256,
    revision: 1,
  })
  expect(status).toBe(200)
  return body.version
}

it('tells of a new version, signed as MLflow signs', async () => {
  const { url, received } = await receiver(() => ({ status: 200 }))
  const { webhook_id } = await hook(url)
  await hook(url, { events: [{ entity: 'REGISTERED_MODEL', action: 'CREATED' }] })
  const version = await newVersion('told')
  const { headers, body } = await eventually(() => (expect(received).toHaveLength(1), received[0]!))
  expect(JSON.parse(body)).toMatchObject({ entity: 'model_version', action: 'created', data: { name: 'told', version } })
  const { 'x-mlflow-delivery-id': id, 'x-mlflow-timestamp': timestamp, 'x-mlflow-signature': signature } = headers
  expect(signature).toBe(`v1,${createHmac('sha256', 'shh').update(`${id}.${timestamp}.${body}`).digest('base64')}`)
  await db.transaction((tx) => removeWebhook(tx, webhook_id))
})

it('tells again under the same id what was refused, and what a stopped registry had not told', async () => {
  const { url, received } = await receiver((nth) => (nth === 1 ? { status: 503 } : { status: 204 }))
  const { webhook_id } = await hook(url)
  await registry.end()
  await db.transaction(async (tx) => {
    await tx.query(`insert into delivery (target, body) values ($1, '{"kept":true}')`, [webhook_id])
  })
  registry = await startForTest({ ...settings, CASCATA_HOME: registry.home })
  await eventually(() => expect(received.map(({ body }) => body)).toEqual(['{"kept":true}', '{"kept":true}']))
  expect(new Set(received.map(({ headers }) => headers['x-mlflow-delivery-id'])).size).toBe(1)
  await db.transaction((tx) => removeWebhook(tx, webhook_id))
})

it('switches a webhook off that refuses five in a row, on record, and starts anew when it is switched on', async () => {
  const { url, received } = await receiver(() => ({ status: 410 }))
  const { webhook_id } = await hook(url, { name: 'gone' })
  for (let nth = 0; nth < 6; nth += 1) await newVersion('switched-off')
  await eventually(async () => expect((await findWebhook(db, webhook_id))?.status).toBe('DISABLED'))
  expect(received).toHaveLength(5)
  const audit = await registry.call('GET', `/v1/audit?subject=webhook/${webhook_id}`)
  expect(audit.body).toMatchObject([{ action: 'webhook.disabled', details: { failures: 5, why: 'status 410: ok' } }])
  expect(await changeWebhook(db, webhook_id, { status: 'ACTIVE', description: 'mended' }, Date.now())).toMatchObject({
    status: 'ACTIVE',
    description: 'mended',
    url,
  })
  await db.transaction((tx) => removeWebhook(tx, webhook_id))
  expect(await findWebhook(db, webhook_id)).toBeUndefined()
})

it('calls no private address, follows no redirect, and says so', async () => {
  const inner = await receiver(() => ({ status: 200 }))
  const { url } = await receiver(() => ({ status: 302, headers: { location: inner.url } }))
  const webhook = await hook(url, { status: 'DISABLED' })
  const event = { entity: 'MODEL_VERSION', action: 'CREATED' } as const
  const test = (allowed: string[], to = webhook) =>
    testWebhook(to, event, { allowed, secrets, timeoutMs: 2_000, now: Date.now() })
  expect(await test(['127.0.0.1'])).toEqual({ success: true, response_status: 302, response_body: 'ok' })
  expect(inner.received).toHaveLength(0)
  expect(await test([])).toEqual({ success: false, error_message: 'only https is allowed' })
  const named = (host: string) => ({ ...webhook, url: `https://${host}:${new URL(url).port}/` })
  expect(await test([], named('127.0.0.1'))).toEqual({ success: false, error_message: 'its address is not public' })
  expect(await test(['nobody.invalid'], named('nobody.invalid'))).toMatchObject({ success: false })
})

it('hears of a new champion as of a moved alias', async () => {
  const { url, received } = await receiver(() => ({ status: 200 }))
  const alias = [{ entity: 'MODEL_VERSION_ALIAS', action: 'CREATED' }]
  await hook(url, { events: alias, sealed: null })
  const producer = await openProducer({
    kafka: connectKafka({ brokers: [backing().kafka], clientId: 'routes' }, silent),
    log: silent,
  })
  const route = { namespace: 'default', model: uniqueName('m').replaceAll('_', '-'), revision: 1, split: [], warm: [] }
  for (const [generation, champion] of [
    [1, '1'],
    [2, '1'],
    [3, '2'],
  ] as const) {
    const said = toRecord(fact(routeChanged, { ...route, generation, champion }), 'deployer')
    await producer.send({ topic: routeChanged.topic.name, messages: [said] })
  }
  await producer.close()
  const told = await eventually(() => {
    const ours = received.map(({ body }) => JSON.parse(body)).filter(({ data }) => data.name === route.model)
    expect(ours).toHaveLength(2)
    return ours
  })
  expect(told).toMatchObject([
    { entity: 'model_version_alias', action: 'created', data: { alias: 'champion', version: '1' } },
    { data: { alias: 'champion', version: '2' } },
  ])
  expect(received.every(({ headers }) => headers['x-mlflow-signature'] === undefined)).toBe(true)
  const page = await listWebhooks(db, { limit: 1 })
  expect(await listWebhooks(db, { after: page[0]!.webhook_id, limit: 10 })).not.toContainEqual(page[0])
})

it('keeps secrets so that neither the database nor another key shows them, and seals what older ones left', async () => {
  const { webhook_id } = await hook('https://example.com/')
  const dumped = async () => JSON.stringify(await db.query('select * from webhook'))
  expect(await dumped()).not.toContain('shh')
  expect(statSync(keyFile()).mode & 0o777).toBe(0o600)

  await db.query(`update webhook set secret = 'in the clear', sealed = null where webhook_id = $1`, [webhook_id])
  await sealKept(db, secrets, silent)
  expect(await dumped()).not.toContain('in the clear')
  const sealed = (await findWebhook(db, webhook_id))!.sealed!
  expect((await openSecrets(null, keyFile())).open(webhook_id, sealed)).toBe('in the clear')

  expect(() => secrets.open('another', sealed)).toThrow(/does not fit/)
  expect(() => secrets.open(webhook_id, sealed.slice(4))).toThrow(/does not fit/)
  const other = await openSecrets(randomBytes(32).toString('base64'), keyFile())
  await sealKept(db, other, silent)
  expect((await findWebhook(db, webhook_id))!.status).toBe('DISABLED')
  await expect(openSecrets('short', keyFile())).rejects.toMatchObject({ code: 'REG_SECRETS_KEY' })
})

it('makes one key, however many replicas start at once', async () => {
  const file = join(registry.home, 'at-once', 'secrets.key')
  const all = await Promise.all(Array.from({ length: 8 }, () => openSecrets(null, file)))
  for (const each of all) expect(all[0]!.open('a', each.seal('a', 'shh'))).toBe('shh')
  expect(readdirSync(dirname(file))).toEqual(['secrets.key'])
})
