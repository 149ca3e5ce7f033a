import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { createToken } from '@cascata/service'
import { eventually, uniqueName } from '@cascata/testing'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startForTest } from '../start-for-test.ts'

type Registry = Awaited<ReturnType<typeof startForTest>>

const api = '/api/2.0/mlflow'
const proxy = '/api/2.0/mlflow-artifacts/artifacts'
const roles = ['viewer', 'trainer', 'deployer', 'admin'] as const
const tokens: Record<string, string> = {}
let registry: Registry
let route: { serving: string | null; rollout: object | null; waiting: null; versions: { version: string; standing: string }[] }
const commands: { path: string; body: unknown }[] = []

/** What the deployer would say: its own tests show that it does. */
const deployer = createServer((request, answer) => {
  let text = ''
  request.on('data', (chunk: Buffer) => (text += chunk.toString()))
  request.on('end', () => {
    if (request.method === 'POST') commands.push({ path: request.url!, body: JSON.parse(text) })
    answer.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(route))
  })
})

beforeAll(async () => {
  await new Promise<void>((listening) => deployer.listen(0, '127.0.0.1', listening))
  const file = join(mkdtempSync(join(tmpdir(), 'tokens-')), 'tokens.json')
  const entries = [
    ...roles.map((role) => createToken({ name: role, role })),
    createToken({ name: 'elsewhere', role: 'admin', namespaces: ['elsewhere'] }),
  ]
  for (const { token, entry } of entries) tokens[entry.name] = token
  writeFileSync(file, JSON.stringify({ tokens: entries.map(({ entry }) => entry) }))
  registry = await startForTest({
    CASCATA_TOKENS_FILE: file,
    DEPLOYER_URL: `http://127.0.0.1:${(deployer.address() as AddressInfo).port}`,
    REGISTRY_WEBHOOK_HOSTS: '127.0.0.1',
  })
})
afterAll(async () => {
  await registry?.stop()
  deployer.close()
})

const as = (who: string, method: string, path: string, body?: object) =>
  registry.call(method, `${api}/${path}`, body, { authorization: `Bearer ${tokens[who]}` })

const newModel = async (name: string, versions = 2): Promise<string> => {
  const run = (await as('trainer', 'POST', 'runs/create', { experiment_id: '0' })).body.run.info.run_id
  const path = `${proxy}/0/${run}/artifacts/model/model.onnx`
  await registry.call('PUT', path, 'onnx', { authorization: `Bearer ${tokens['trainer']}` })
  await as('trainer', 'POST', 'registered-models/create', { name })
  for (let made = 0; made < versions; made += 1)
    await as('trainer', 'POST', 'model-versions/create', { name, source: `runs:/${run}/model`, run_id: run })
  return run
}

describe('an import', () => {
  const run_id = randomUUID().replaceAll('-', '')
  const bodies = {
    'runs/create': { experiment_id: '0', imported: { run_id } },
    'logged-models': { experiment_id: '0', imported: { model_id: `m-${run_id}` } },
  }

  it.each(Object.entries(bodies))('keeps ids, once, for admins of all namespaces: %s', async (path, body) => {
    for (const who of ['viewer', 'trainer', 'deployer', 'elsewhere']) expect((await as(who, 'POST', path, body)).status).toBe(403)
    const both = await Promise.all([as('admin', 'POST', path, body), as('admin', 'POST', path, body)])
    expect(both.map(({ status }) => status).toSorted()).toEqual([200, 400])
    const [made, refused] = both.toSorted((one, other) => one.status - other.status)
    expect(made!.text).toContain(run_id)
    expect(refused!.body).toMatchObject({
      error_code: 'RESOURCE_ALREADY_EXISTS',
      message: expect.stringContaining('already exists'),
    })
    const illegal = { ...body, imported: { run_id: '../x', model_id: 'x' } }
    expect((await as('admin', 'POST', path, illegal)).status).toBe(400)
  })

  it('keeps numbers of versions; those made later go on after the greatest', async () => {
    const name = uniqueName('model')
    const run = await newModel(name, 0)
    const add = async (version?: string) => {
      const body = { name, source: `runs:/${run}/model`, run_id: run, ...(version ? { imported: { version } } : {}) }
      const answer = await as('admin', 'POST', 'model-versions/create', body)
      return answer.body.model_version?.version ?? answer.body.error_code
    }
    const made = []
    for (const version of ['7', '3', undefined, '7', '0', '1e3', undefined]) made.push(await add(version))
    expect(made).toEqual(['7', '3', '8', 'RESOURCE_ALREADY_EXISTS', 'INVALID_PARAMETER_VALUE', 'INVALID_PARAMETER_VALUE', '9'])
  })
})

describe('a model that the platform serves', () => {
  const namespace = uniqueName('ns').replaceAll('_', '-')
  const name = `${namespace}.flight-delay`
  const documents = `
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: flights, namespace: ${namespace}}
spec: {source: {topic: flights}, entity: [flight], eventTime: {field: at}, fields: {flight: string, at: timestamp, late: {type: bool, nullable: true}, km: double}}
---
apiVersion: cascata/v1
kind: Model
metadata: {name: flight-delay, namespace: ${namespace}}
spec: {task: binary, observations: {view: flights}, label: {field: "flights:late", within: 1h}, features: ["flights:km"]}
`
  const champion = (version: string, who = 'deployer') =>
    as(who, 'POST', 'registered-models/alias', { name, alias: 'champion', version })

  beforeAll(async () => {
    const headers = { authorization: `Bearer ${tokens['admin']}` }
    expect((await registry.call('PUT', '/v1/resources', documents, headers)).status).toBe(200)
    await newModel(name, 3)
  })
  beforeEach(() => {
    commands.length = 0
    route = {
      serving: '1',
      rollout: { version: '2', state: 'step' },
      waiting: null,
      versions: [
        { version: '1', standing: 'served' },
        { version: '2', standing: 'approved' },
      ],
    }
  })

  it('is promoted when champion is moved to its candidate', async () => {
    expect(await champion('2')).toMatchObject({ status: 200, body: {} })
    expect(commands).toEqual([{ path: `/v1/routes/${namespace}/flight-delay/promote`, body: {} }])
    const found = await as('viewer', 'GET', `registered-models/alias?name=${name}&alias=champion`)
    expect(found.body.model_version).toMatchObject({ version: '2', current_stage: 'Production', aliases: ['champion'] })
  })

  it('goes back when Production is moved to what has served', async () => {
    route = { ...route, serving: '2', rollout: null }
    const stage = { name, version: '1', stage: 'production' }
    const moved = await as('deployer', 'POST', 'model-versions/transition-stage', stage)
    expect(moved.body.model_version).toMatchObject({ version: '1', current_stage: 'Production' })
    expect(commands).toEqual([{ path: `/v1/routes/${namespace}/flight-delay/rollback`, body: { to: '1' } }])
    expect((await as('viewer', 'GET', `model-versions/get?name=${name}&version=2`)).body.model_version.current_stage).toBe(
      'Archived',
    )
  })

  it('is not moved by who may not, nor to what was never approved, nor to nothing', async () => {
    expect(await champion('2', 'trainer')).toMatchObject({ status: 403, body: { error_code: 'PERMISSION_DENIED' } })
    expect(await champion('3')).toMatchObject({
      status: 409,
      body: { error_code: 'RESOURCE_CONFLICT', message: expect.stringContaining('not approved') },
    })
    expect((await champion('99')).status).toBe(404)
    expect((await as('deployer', 'DELETE', 'registered-models/alias', { name, alias: 'champion' })).status).toBe(409)
    expect((await as('trainer', 'DELETE', 'registered-models/delete', { name })).status).toBe(409)
    expect((await as('trainer', 'POST', 'registered-models/rename', { name, new_name: 'mine' })).status).toBe(409)
    expect(commands).toEqual([])
  })

  it('takes other aliases and stages as plain data', async () => {
    expect((await as('trainer', 'POST', 'registered-models/alias', { name, alias: 'next', version: '3' })).status).toBe(200)
    expect(
      (await as('trainer', 'POST', 'model-versions/transition-stage', { name, version: '3', stage: 'Staging' })).body
        .model_version,
    ).toMatchObject({ current_stage: 'Staging', aliases: ['next'] })
    expect(commands).toEqual([])
  })
})

describe('a model of its own', () => {
  it('is renamed with its versions, tags and aliases, and deleted; its numbers never start again', async () => {
    const [name, renamed] = [uniqueName('model'), uniqueName('renamed')]
    await newModel(name)
    await as('trainer', 'POST', 'model-versions/set-tag', { name, version: '2', key: 'k', value: 'v' })
    await as('trainer', 'POST', 'registered-models/alias', { name, alias: 'champion', version: '2' })
    expect((await as('trainer', 'POST', 'registered-models/rename', { name, new_name: renamed })).status).toBe(200)
    const found = (await as('viewer', 'GET', `registered-models/alias?name=${renamed}&alias=champion`)).body.model_version
    expect(found).toMatchObject({ name: renamed, version: '2', tags: [{ key: 'k', value: 'v' }] })
    expect((await as('trainer', 'DELETE', 'registered-models/delete', { name: renamed })).status).toBe(200)
    expect((await as('viewer', 'GET', `registered-models/get?name=${renamed}`)).status).toBe(404)
    expect((await as('viewer', 'GET', `model-versions/search?filter=${encodeURIComponent(`name = '${renamed}'`)}`)).body).toEqual(
      {},
    )
    await newModel(renamed, 1)
    expect(
      (await as('viewer', 'GET', `model-versions/search?filter=${encodeURIComponent(`name = '${renamed}'`)}`)).body,
    ).toMatchObject({
      model_versions: [{ version: '3' }],
    })
  })
})

describe('webhooks', () => {
  const hook = (url: string, more: object = {}) => ({
    name: 'ci',
    url,
    events: [{ entity: 'MODEL_VERSION_ALIAS', action: 'CREATED' }],
    secret: 'shh',
    ...more,
  })

  it('are kept without showing their secret, hear what clients do, and are removed', async () => {
    const heard: string[] = []
    const receiver = createServer((request, answer) => {
      request.on('data', (chunk: Buffer) => heard.push(chunk.toString())).on('end', () => answer.writeHead(204).end())
    })
    await new Promise<void>((listening) => receiver.listen(0, '127.0.0.1', listening))
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`
    const made = (await as('admin', 'POST', 'webhooks', hook(url))).body.webhook
    expect(made).toMatchObject({ name: 'ci', status: 'ACTIVE', events: [{ entity: 'MODEL_VERSION_ALIAS', action: 'CREATED' }] })
    expect(JSON.stringify(made)).not.toContain('shh')
    const id = made.webhook_id
    const name = uniqueName('model')
    await newModel(name, 1)
    await as('trainer', 'POST', 'registered-models/alias', { name, alias: 'best', version: '1' })
    await eventually(() =>
      expect(heard.map((each) => JSON.parse(each).data)).toContainEqual({ name, alias: 'best', version: '1' }),
    )
    expect((await as('admin', 'POST', `webhooks/${id}/test`, {})).body.result).toMatchObject({
      success: true,
      response_status: 204,
    })
    expect((await as('admin', 'PATCH', `webhooks/${id}`, { status: 'DISABLED' })).body.webhook.status).toBe('DISABLED')
    expect((await as('admin', 'GET', 'webhooks?max_results=1')).body.webhooks).toHaveLength(1)
    expect((await as('admin', 'DELETE', `webhooks/${id}`)).status).toBe(200)
    expect((await as('admin', 'GET', `webhooks/${id}`)).status).toBe(404)
    receiver.close()
  })

  it.each([
    ['http://169.254.169.254/latest/meta-data'],
    ['https://10.1/'],
    ['https://[::ffff:169.254.169.254]/'],
    ['https://localhost/'],
    ['https://0x0a000001/'],
    ['https://user:secret@example.com/'],
    ['file:///etc/passwd'],
    ['gopher://example.com/'],
    ['not a url'],
  ])('call no such place: %s', async (url) => {
    expect(await as('admin', 'POST', 'webhooks', hook(url))).toMatchObject({
      status: 400,
      body: { error_code: 'INVALID_PARAMETER_VALUE' },
    })
  })

  it('are for admins of all namespaces', async () => {
    for (const who of ['viewer', 'trainer', 'deployer', 'elsewhere'])
      expect((await as(who, 'POST', 'webhooks', hook('https://example.com/'))).status).toBe(403)
    expect((await as('admin', 'POST', 'webhooks', hook('https://example.com/', { events: [] }))).status).toBe(400)
    const prompts = { events: [{ entity: 'PROMPT', action: 'CREATED' }] }
    expect((await as('admin', 'POST', 'webhooks', hook('https://example.com/', prompts))).status).toBe(400)
  })
})
