import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually, uniqueName } from '@cascata/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startForTest } from '../start-for-test.ts'

type Registry = Awaited<ReturnType<typeof startForTest>>

const api = '/api/2.0/mlflow'
const proxy = '/api/2.0/mlflow-artifacts/artifacts'
let registry: Registry
beforeAll(async () => {
  registry = await startForTest({ REGISTRY_ARTIFACT_LIMIT: '1MiB' })
})
afterAll(() => registry?.stop())

const get = (path: string) => registry.call('GET', `${api}/${path}`)
const post = (path: string, body: object) => registry.call('POST', `${api}/${path}`, body)
const newRun = async (): Promise<string> => (await post('runs/create', { experiment_id: '0' })).body.run.info.run_id

type Routes = Record<string, Record<string, { 'x-permission': string }>>

const routes = async (): Promise<[string, string, string][]> => {
  const { paths } = (await registry.call('GET', '/openapi.json')).body as { paths: Routes }
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { 'x-permission': needs }]): [string, string, string] => [method, path, needs]),
  )
}

/** Who may call what under one prefix; a route that is new has to be added here, with its role. */
const permissions: Readonly<Record<string, string>> = {
  viewer: `get artifacts/list, get,post experiments/search, get experiments/get, get experiments/get-by-name, post experiments/search-datasets,
    get logged-models/{model_id}, get logged-models/{model_id}/artifacts/directories, get logged-models/{model_id}/artifacts/files,
    post logged-models/search, get metrics/get-history, get metrics/get-history-bulk, get metrics/get-history-bulk-interval,
    get model-versions/get, get model-versions/get-download-uri, get model-versions/search, get registered-models/alias,
    get registered-models/get, get,post registered-models/get-latest-versions, get registered-models/search, get runs/get,
    post runs/search, get server-info, delete,get,patch,post,put *`,
  trainer: `post experiments/create, post experiments/delete, post experiments/delete-experiment-tag, post experiments/restore,
    post experiments/set-experiment-tag, post experiments/update, post logged-models, delete,patch logged-models/{model_id},
    post logged-models/{model_id}/params, patch logged-models/{model_id}/tags, delete logged-models/{model_id}/tags/{tag_key},
    post model-versions/create, delete model-versions/delete, delete model-versions/delete-tag, post model-versions/set-tag,
    patch model-versions/update, post registered-models/create, delete registered-models/delete,
    delete registered-models/delete-tag, post registered-models/rename, post registered-models/set-tag,
    patch registered-models/update, post runs/create, post runs/delete, post runs/delete-tag, post runs/log-batch,
    post runs/log-inputs, post runs/log-metric, post runs/log-model, post runs/log-parameter, post runs/outputs, post runs/restore,
    post runs/set-tag, post runs/update, post upload-artifact`,
  'trainer or deployer': 'delete,post registered-models/alias, post model-versions/transition-stage',
  admin: 'get,post webhooks, delete,get,patch webhooks/{webhook_id}, post webhooks/{webhook_id}/test',
}

const expected = (): string[] =>
  Object.entries(permissions)
    .flatMap(([role, listed]) =>
      listed.split(/,\s+/).flatMap((each) => {
        const [methods, path] = each.trim().split(' ')
        return methods!.split(',').map((method) => `${method} ${path}: ${role}`)
      }),
    )
    .toSorted()

describe('every route', () => {
  it.each(['/api/2.0', '/api/3.0', '/ajax-api/2.0', '/ajax-api/3.0'])(
    'under %s has the role that is written here',
    async (prefix) => {
      const found = (await routes())
        .filter(([, path]) => path.startsWith(`${prefix}/mlflow/`))
        .map(([method, path, needs]) => `${method} ${path.slice(prefix.length + '/mlflow/'.length)}: ${needs}`)
      expect(found.toSorted()).toEqual(expected())
    },
  )

  const hostile: unknown[] = [
    undefined,
    null,
    '',
    'a\0b',
    `' or 1=1; drop table run --`,
    '../../etc/passwd',
    '%2e%2e%2f',
    '\u202Eevil\uFEFF',
    '\uD800',
    'ａｄｍｉｎ',
    '𝒙'.repeat(4_000),
    -1,
    1e308,
    '9223372036854775807',
    '99999999999999999999',
    Number.MAX_SAFE_INTEGER,
    true,
    [],
    ['a', {}],
    { key: {} },
    { __proto__x: 1, constructor: { a: 1 } },
  ]
  const fields = [
    ...[
      'experiment_id',
      'experiment_ids',
      'experiment_name',
      'run_id',
      'run_ids',
      'run_uuid',
      'name',
      'new_name',
      'version',
      'key',
      'value',
    ],
    ...[
      'filter',
      'order_by',
      'max_results',
      'page_token',
      'metrics',
      'params',
      'tags',
      'datasets',
      'models',
      'model_id',
      'alias',
      'stage',
    ],
    ...[
      'timestamp',
      'step',
      'path',
      'source',
      'metric_key',
      'status',
      'end_time',
      'start_time',
      'events',
      'url',
      'artifact_file_path',
    ],
  ]

  it('answers garbage in the form of the protocol, and never by failing', { timeout: 120_000 }, async () => {
    const under = (await routes()).filter(([, path]) => path.startsWith(`${api}/`) && !path.endsWith('*'))
    expect(under.length).toBeGreaterThan(60)
    const wrong: unknown[] = []
    for (const [index, value] of hostile.entries()) {
      const body = Object.fromEntries(fields.map((field) => [field, value]))
      await Promise.all(
        under.map(async ([method, path]) => {
          const url = path.replaceAll(
            /\{\w+\}/g,
            encodeURIComponent(typeof value === 'string' && value !== '\uD800' ? value || 'x' : 'x'),
          )
          const text = typeof value === 'object' || value === undefined ? '' : String(value).replaceAll('\uD800', 'x')
          const query = method === 'get' ? `?${new URLSearchParams(fields.map((field): [string, string] => [field, text]))}` : ''
          const answer = await registry.call(method.toUpperCase(), url + query, method === 'get' ? undefined : body)
          const coded = answer.status < 400 || typeof answer.body?.error_code === 'string' || answer.status === 431
          if (answer.status >= 500 || !coded) wrong.push([method, path, index, answer.status, answer.text.slice(0, 200)])
        }),
      )
    }
    expect(wrong).toEqual([])
  })
})

describe('names', () => {
  it.each(['Ａ/ｂ', 'a\u202Eb', 'é', 'e\u0301', '<script>alert(1)</script>', '名前', 'a\'b"c`d', '%', '_'])(
    '%j is kept as it is',
    async (name) => {
      const unique = `${name}${uniqueName('x')}`
      expect((await post('experiments/create', { name: unique })).status).toBe(200)
      const found = await get(`experiments/get-by-name?experiment_name=${encodeURIComponent(unique)}`)
      expect(found.body.experiment.name).toBe(unique)
      expect(found.headers.get('content-type')).toMatch(/^application\/json/)
      expect(
        (await post('experiments/search', { max_results: 5, filter: `name = "${unique.replaceAll('"', '')}"` })).status,
      ).toBe(200)
    },
  )
})

describe('a page', () => {
  it('goes on where the last one ended, whatever is made meanwhile', async () => {
    const experiment = (await post('experiments/create', { name: uniqueName('pages') })).body.experiment_id
    for (let index = 0; index < 7; index += 1) {
      const run = (await post('runs/create', { experiment_id: experiment, start_time: 1_000 + index })).body.run.info.run_id
      const value = index === 2 ? 'NaN' : index % 3
      if (index !== 5) await post('runs/log-metric', { run_id: run, key: 'm', value, timestamp: 1 })
    }
    for (const order of [[], ['metrics.m DESC'], ['metrics.m'], ['tags.mlflow.runName'], ['end_time', 'metrics.m DESC']]) {
      const asked = { experiment_ids: [experiment], order_by: order }
      const ids = (page: { runs?: { info: { run_id: string } }[] }) => (page.runs ?? []).map(({ info }) => info.run_id)
      const whole = ids((await post('runs/search', asked)).body)
      const paged: string[] = []
      let token: string | undefined
      do {
        const { body } = await post('runs/search', { ...asked, max_results: 2, page_token: token })
        paged.push(...ids(body))
        token = body.next_page_token
      } while (token)
      expect([order, paged]).toEqual([order, whole])
      expect(whole).toHaveLength(7)
    }
    const { body } = await post('runs/search', { experiment_ids: [experiment], max_results: 2 })
    const other = { experiment_ids: ['0'], max_results: 2, page_token: body.next_page_token }
    expect(await post('runs/search', other)).toMatchObject({ status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE' } })
    const forged = Buffer.from('{"phase":"all","keys":["1; drop table run",null],"of":""}').toString('base64url')
    expect((await post('runs/search', { ...other, page_token: forged })).status).toBe(400)
  })
})

describe('an upload', () => {
  const incoming = (): string[] => readdirSync(join(registry.home, 'registry'), { recursive: true }).map(String)

  it('that breaks off leaves no artifact, and no file', async () => {
    const run = await newRun()
    const before = incoming().length
    const url = new URL(`${proxy}/0/${run}/artifacts/half.bin`, registry.url)
    await new Promise<void>((resolve) => {
      const sent = request(url, { method: 'PUT', headers: { 'content-length': 500_000 } })
      sent.on('error', () => resolve())
      sent.write(Buffer.alloc(100_000))
      setTimeout(() => sent.destroy(), 100)
    })
    await eventually(() => expect(incoming().length).toBe(before))
    expect((await get(`artifacts/list?run_id=${run}`)).body.files).toBeUndefined()
  })

  it('that is too large is refused in the form of the protocol', async () => {
    const run = await newRun()
    const answer = await registry.call('PUT', `${proxy}/0/${run}/artifacts/large.bin`, Buffer.alloc(1024 ** 2 + 1))
    expect(answer).toMatchObject({ status: 413, body: { error_code: 'INVALID_PARAMETER_VALUE' } })
    expect((await get(`artifacts/list?run_id=${run}`)).body.files).toBeUndefined()
  })

  it('of no said length that is too large is answered, too', async () => {
    const piece = Buffer.alloc(300_000)
    const body = new ReadableStream({ pull: (sink) => void (pulled++ < 10 ? sink.enqueue(piece) : sink.close()) })
    let pulled = 0
    const path = `${registry.url}${proxy}/0/x/artifacts/endless.bin`
    const answer = await fetch(path, { method: 'PUT', body, duplex: 'half' } as RequestInit)
    expect([answer.status, await answer.json()]).toEqual([
      413,
      expect.objectContaining({ error_code: 'INVALID_PARAMETER_VALUE' }),
    ])
  })

  it('is never opened here: a pickle is bytes like any other, and no page is shown from what is kept', async () => {
    const run = await newRun()
    const pickle = Buffer.from("cos\nsystem\n(S'touch /tmp/pwned'\ntR.")
    for (const name of ['model.pkl', 'page.html', 'image.svg']) {
      expect((await registry.call('PUT', `${proxy}/0/${run}/artifacts/${name}`, pickle)).status).toBe(200)
      for (const path of [`${proxy}/0/${run}/artifacts/${name}`, `/get-artifact?run_id=${run}&path=${name}`]) {
        const { text, headers } = await registry.call('GET', path)
        expect(text).toBe(pickle.toString())
        expect(headers.get('content-disposition')).toMatch(/^attachment/)
        expect(headers.get('x-content-type-options')).toBe('nosniff')
        expect(headers.get('content-security-policy')).toContain("default-src 'none'")
      }
    }
  })
})

/** Mounts a disk of 1 MiB; undefined where that is not allowed. */
const smallDisk = (): string | undefined => {
  const folder = mkdtempSync(join(tmpdir(), 'registry-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'cascata-test', folder], { stdio: 'ignore' })
    return folder
  } catch {
    rmSync(folder, { recursive: true })
    return undefined
  }
}

describe('a full disk', () => {
  const disk = smallDisk()
  let small: Registry
  beforeAll(async () => {
    if (disk) small = await startForTest({ REGISTRY_DATA: disk })
  })
  afterAll(async () => {
    await small?.stop()
    if (!disk) return
    execFileSync('umount', [disk])
    rmSync(disk, { recursive: true })
  })

  it.skipIf(!disk)('is said as what may pass, keeps nothing half, and leaves room for what fits', async () => {
    const put = (name: string, bytes: number) => small.call('PUT', `${proxy}/0/full/artifacts/${name}`, Buffer.alloc(bytes, name))
    const files = () => readdirSync(disk!, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    const answers = await Promise.all(['a', 'b', 'c', 'd'].map((name) => put(name, 2 * 1024 ** 2)))
    for (const { status, body } of answers) {
      expect(status).toBe(503)
      expect(body).toEqual({ error_code: 'TEMPORARILY_UNAVAILABLE', message: expect.stringContaining('no room left') })
    }
    expect(files()).toEqual([])
    expect((await small.call('GET', `${proxy}?path=0/full/artifacts`)).body).toEqual({})
    expect((await put('e', 500_000)).status).toBe(200)
    expect((await small.call('GET', `${proxy}/0/full/artifacts/e`)).text).toHaveLength(500_000)
    expect(files()).toHaveLength(1)
  })
})

describe('a foreign page', () => {
  const asked = (path: string, headers: Record<string, string>): Promise<number> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(registry.url)
      request({ hostname, port, path, headers }, (answer) => (answer.resume(), resolve(answer.statusCode!)))
        .on('error', reject)
        .end()
    })

  it('reaches nothing but health, under no name and from no site', async () => {
    const path = `${api}/experiments/get?experiment_id=0`
    expect(await asked(path, { host: 'evil.example' })).toBe(403)
    expect(await asked(path, { host: 'localhost', origin: 'https://evil.example' })).toBe(403)
    expect(await asked(path, { host: 'localhost', 'sec-fetch-site': 'cross-site' })).toBe(403)
    expect(await asked(path, { host: 'localhost' })).toBe(200)
    expect(await asked('/health', { host: 'evil.example' })).toBe(200)
  })
})
