import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type Asked, cascata, service } from '../../test-shell.ts'
import { paged } from './copying.ts'
import { decideSource } from './decide-source.ts'

const run = 'a'.repeat(32)
const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
})

/** A registry that takes everything, and has nothing. */
const registry = async () => {
  const started = await service(({ url }) => {
    const info = { run_id: run, status: 'RUNNING', artifact_uri: `mlflow-artifacts:/1/${run}/artifacts` }
    if (url.includes('experiments/get-by-name')) return [200, { experiment: { experiment_id: '1', name: 'delays' } }]
    if (url.includes('runs/get')) return [200, { run: { info } }]
    return url.includes('logged-models/') ? [404, { error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'none' }] : [200, {}]
  })
  open.push(started)
  return started
}

type Hostile = Record<string, (response: ServerResponse, request: IncomingMessage) => void>

const json = (body: object) => (response: ServerResponse) => void response.end(JSON.stringify(body))

const finished = { info: { run_id: run, status: 'FINISHED' }, data: {} }
const calm: Hostile = {
  'experiments/search': json({ experiments: [{ experiment_id: '7', name: 'delays' }] }),
  'runs/search': json({ runs: [finished] }),
  'runs/get': json({ run: finished }),
  'artifacts/list': json({}),
}

/** A server of MLflow that answers some of what it is asked otherwise than it should. */
const hostile = async (answers: Hostile): Promise<string> => {
  const all = Object.entries({ ...calm, ...answers })
  const server = createServer((request, response) => {
    const found = all.find(([path]) => request.url!.includes(path))
    request.resume()
    return found ? found[1](response, request) : response.end('{}')
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  open.push({ close: () => (server.closeAllConnections(), server.close()) })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const importing = async (answers: Hostile, ...more: string[]) => {
  const here = await registry()
  const from = await hostile(answers)
  const { code, out, err } = await cascata(['import', 'mlflow', from, '--json', ...more], { env: { REGISTRY_URL: here.url } })
  const { counts, refused, skipped } = JSON.parse(out || '{}')
  return { code, err, counts, refused, skipped, asked: here.asked, from }
}

const puts = (asked: readonly Asked[]): string[] => asked.filter(({ method }) => method === 'PUT').map(({ url }) => url)
const root = `/api/2.0/mlflow-artifacts/artifacts/1/${run}/artifacts`

describe('an import from a server that means no good', () => {
  it('writes to no other place than that of the run, whatever paths are listed', async () => {
    const paths = [
      '../../../../../../v1/resources',
      'a/../../b',
      './a',
      '/etc/passwd',
      'a//b',
      'a\\..\\b',
      'a\0b',
      '..',
      '',
      '\uD800',
    ]
    const files = [...paths.map((path) => ({ path, file_size: 1 })), { path: 'sub', is_dir: true }, { path: 'a?#%2e%2e' }]
    const { code, asked, counts, refused } = await importing({
      'artifacts/list': (response, { url }) =>
        json(url!.endsWith('path=sub') ? { files: [{ path: 'outside' }, { path: 'sub/b' }] } : { files })(response),
      'get-artifact': (response) => response.end('x'),
    })
    expect(puts(asked)).toEqual([`${root}/a%3F%23%252e%252e`, `${root}/sub/b`])
    expect(counts.artifacts).toMatchObject({ copied: 2, refused: paths.length + 1 })
    expect(refused[0]).toMatchObject({ kind: 'artifacts', what: `run ${run}/${paths[0]}`, why: 'its path leads elsewhere' })
    expect(code).toBe(1)
    // What is not whole is not called whole: another import looks again.
    expect(asked.some(({ body }) => body.includes('cascata.imported'))).toBe(false)
  })

  it('takes no ids but those of MLflow’s form', async () => {
    const ids = [`' or '1'='1`, '..', `${run}/../x`, 'A'.repeat(32)]
    const { code, asked, counts } = await importing({
      'runs/search': json({ runs: ids.map((run_id) => ({ info: { run_id, status: 'FINISHED' } })) }),
      'logged-models/search': json({ models: ids.map((model_id) => ({ info: { model_id } })) }),
    })
    expect([code, counts.runs, counts['logged models']].slice(1)).toMatchObject([{ refused: 4 }, { refused: 4 }])
    expect(code).toBe(1)
    expect(asked.every(({ url, body }) => ids.every((id) => !url.includes(id) && !body.includes(id)))).toBe(true)
  })

  it('never writes to what was made here, nor to a run that another answer names', async () => {
    const other = 'b'.repeat(32)
    const swapped = { ...finished, info: { ...finished.info, run_id: other } }
    const { asked } = await importing({ 'runs/get': json({ run: swapped }) })
    expect(asked.every(({ url, body }) => !url.includes(other) && !body.includes(other))).toBe(true)

    const native = await service(({ url }) => [
      200,
      url.includes('runs/search') ? { runs: [finished] } : { experiment: { experiment_id: '1', name: 'delays' } },
    ])
    open.push(native)
    const ran = await cascata(['import', 'mlflow', await hostile({}), '--json'], { env: { REGISTRY_URL: native.url } })
    expect(JSON.parse(ran.out).refused).toEqual([{ kind: 'runs', what: run, why: 'a run of this id was made here' }])
    expect(native.asked.some(({ url }) => /runs\/(create|log-batch|update)/.test(url))).toBe(false)
  })

  it('keeps no tag that means something here', async () => {
    const tags = ['cascata.imported', 'cascata.namespace', 'team'].map((key) => ({ key, value: 'them' }))
    const { code, asked } = await importing({
      'experiments/search': json({ experiments: [{ experiment_id: '7', name: 'delays', tags }] }),
      'runs/get': json({ run: { ...finished, data: { tags } } }),
    })
    expect(code).toBe(0)
    expect(asked.filter(({ body }) => body.includes('them')).map(({ body }) => JSON.parse(body))).toMatchObject([
      { experiment_id: '1', key: 'team' },
      { run_id: run, tags: [{ key: 'team', value: 'them' }] },
    ])
  })

  const files = { 'artifacts/list': json({ files: [{ path: 'a.bin', file_size: 3 }] }) }

  it.each<[string, Hostile, string]>([
    ['sends elsewhere', { 'get-artifact': (response) => response.writeHead(302, { location: 'http://10.0.0.1/' }).end() }, 'REDIRECTED'],
    ['sends more than it said', { 'get-artifact': (response) => response.end('x'.repeat(2_000)) }, 'TOO_LARGE'],
    ['sends what was not asked for', { 'get-artifact': (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('x') }, 'COMPRESSED'],
    [
      'breaks off each time',
      {
        'get-artifact': (response) => {
          response.writeHead(200, { 'content-length': 100 })
          response.write('x', () => response.socket!.destroy())
        },
      },
      'BROKEN_OFF',
    ],
  ])('goes on without a file when the server %s', async (_, answers, why) => {
    const { code, refused, counts } = await importing({ ...files, ...answers }, '--max-file', '1k')
    expect(refused).toMatchObject([{ kind: 'artifacts', what: `run ${run}/a.bin`, why: expect.stringContaining(why) }])
    expect([code, counts.runs.copied]).toEqual([1, 1])
  }) // prettier-ignore

  it('goes on without what is answered in another form', async () => {
    const { code, refused } = await importing({ 'runs/get': (response) => response.end('<html>\u001b[2J') })
    expect(refused).toMatchObject([{ kind: 'runs', why: expect.stringContaining('NOT_MLFLOW') }])
    expect(code).toBe(1)
  })

  it('follows no redirect with its login', async () => {
    const away = { 'experiments/search': (response: ServerResponse) => void response.writeHead(307, { location: '/x' }).end() }
    expect(await importing(away)).toMatchObject({ code: 1, err: expect.stringContaining('REDIRECTED') })
  })

  it('ends when a list does not', async () => {
    let pages = 0
    const list = async () => {
      for await (const _ of paged(() => Promise.resolve({ next_page_token: String((pages += 1)) }), () => [1]));
    } // prettier-ignore
    await expect(list()).rejects.toMatchObject({ code: 'ENDLESS' })
    expect(pages).toBe(10_000)
  })
})

describe('an import', () => {
  it('stops where nobody is let in, and says how to log in', async () => {
    const closed = { 'experiments/search': (response: ServerResponse) => void response.writeHead(401).end('no') }
    const { code, err } = await importing(closed)
    expect([code, JSON.parse(err)]).toMatchObject([
      1,
      { code: 'CLI_LOGIN', hint: expect.stringContaining('MLFLOW_TRACKING_TOKEN') },
    ])
  })

  it.each([
    ['sqlite:///mlruns.db', 1, 'CLI_SOURCE', 'mlflow server --backend-store-uri'],
    ['postgresql://me:secret@db/x', 1, 'CLI_SOURCE', "'postgresql://db/x'"],
    ['./mlruns', 1, 'CLI_SOURCE', 'mlflow server'],
    ['databricks://profile', 1, 'CLI_SOURCE', 'mlflow-export-import'],
    ['http://[', 2, 'CLI_USAGE', 'old-server'],
  ])('needs a server: %s', async (uri, exit, code, hint) => {
    const { err, ...ran } = await cascata(['import', 'mlflow', uri, '--json'], { env: { REGISTRY_URL: 'http://127.0.0.1:1' } })
    expect(ran.code).toBe(exit)
    expect(JSON.parse(err)).toMatchObject({ code, hint: expect.stringContaining(hint) })
    expect(err).not.toContain('secret')
  })

  it('names the server to run again against when it is lost', async () => {
    const env = { REGISTRY_URL: 'http://127.0.0.1:1' }
    const { code, err } = await cascata(['import', 'mlflow', 'http://me:secret@127.0.0.1:1/mlflow/'], { env })
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/the source at http:\/\/127.0.0.1:1\/mlflow does not answer[^]*goes on/),
    ])
  })
})

describe('the source of a version', () => {
  const model = `m-${'b'.repeat(32)}`
  it.each([
    [`models:/${model}`, undefined, `models:/${model}`],
    ['models:/other/3', undefined, 'models:/other/3'],
    [`runs:/${run}/model`, undefined, `runs:/${run}/model`],
    [`s3://bucket/1/models/${model}/artifacts/sub/`, undefined, `models:/${model}/sub/`],
    [`s3://bucket/1/${run}/artifacts/model`, `s3://bucket/1/${run}/artifacts`, `runs:/${run}/model`],
    [`s3://bucket/1/${run}/artifacts-of-others/model`, `s3://bucket/1/${run}/artifacts`, undefined],
    ['/etc/passwd', `s3://bucket/1/${run}/artifacts`, undefined],
    [`runs:/${'c'.repeat(32)}/model`, undefined, undefined],
  ])('%s of %s is %s', (source, artifactUri, expected) => {
    expect(decideSource({ source, run_id: run }, artifactUri)).toBe(expected)
  })
})
