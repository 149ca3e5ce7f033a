import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { cascata, serving } from './test-shell.ts'

const folder = mkdtempSync(join(tmpdir(), 'cascata-cli-'))
afterAll(() => rmSync(folder, { recursive: true }))

const view = `apiVersion: cascata/v1
kind: FeatureView
metadata: {name: plans}
spec: {source: {topic: flight-plans}, entity: [flight], eventTime: {field: at}, fields: {flight: string, at: timestamp}}
`
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

describe('wrong usage', () => {
  it.each([
    [['frobnicate'], "unknown command 'frobnicate'"],
    [['statu'], 'Did you mean status?'],
    [['get', '--nope'], "unknown option '--nope'"],
    [['get', 'wheels'], 'there is no kind wheels'],
    [['get', 'view', '../../etc'], 'is no name'],
    [['why', 'flight-delay'], 'flight-delay names no version'],
    [['trace', 'flights/0'], 'is no place in a topic'],
    [['train'], "missing required argument 'model'"],
    [['apply'], 'name what to read with -f'],
    [['apply', '-f', '/nonexistent.yaml'], 'there is no file or folder'],
    [['pause'], 'name the model to pause, or --all'],
    [['pause', 'x', '--all'], 'name the model to pause, or --all'],
    [['runs', '--state', 'asleep'], 'Allowed choices are requested'],
    [['tail', '--last', 'many'], 'expected a number'],
    [['view', 'resume', 'plans'], "required option '--from <place>' not specified"],
    [['dlq', 'replay', 'x.dlq'], 'name the letter'],
    [['config', 'toaster'], 'there is no app toaster'],
    [['completion', 'fish'], 'there is no completion for fish'],
    [['status', 'a b'], 'is no name'],
  ])('%j ends with 2', async (argv, words) => {
    const ran = await cascata(argv)
    expect(ran.err).toContain(words)
    expect([ran.code, ran.out]).toEqual([2, ''])
  })

  it('refuses an address that is none', async () => {
    expect(await cascata(['get'], { env: { REGISTRY_URL: 'ftp://x' } })).toMatchObject({
      code: 2,
      err: expect.stringContaining('REGISTRY_URL=ftp://x is no http address'),
    })
  })
})

describe('help', () => {
  it('is there for every command, with examples', async () => {
    const { code, out } = await cascata(['--help'])
    expect(code).toBe(0)
    for (const command of [
      'plan',
      'apply',
      'get',
      'status',
      'why',
      'trace',
      'tail',
      'runs',
      'train',
      'dataset',
      'view',
      'pause',
      'resume',
      'rollback',
      'promote',
      'approve',
      'reject',
      'config',
      'logs',
      'dlq',
      'completion',
    ]) {
      expect(out).toMatch(new RegExp(`^  ${command} `, 'm'))
      const help = await cascata([command, '--help'])
      expect([command, help.code]).toEqual([command, 0])
      const below =
        { dataset: ['build', 'show', 'download'], view: ['resume', 'replay'], dlq: ['list', 'show', 'replay'] }[command] ?? []
      for (const each of below) expect((await cascata([command, each, '--help'])).out).toContain('$ cascata')
      if (below.length === 0) expect(help.out).toContain('$ cascata')
    }
    expect((await cascata([])).out).toBe(out)
  })
})

describe('a platform that is not there', () => {
  it.each([[['get']], [['status']], [['why', 'm/1']], [['tail', '--no-follow']], [['dlq', 'list']], [['runs']], [['logs']]])(
    '%j says how to start it',
    async (argv) => {
      const ran = await cascata(argv)
      expect(ran).toMatchObject({ code: 1, out: '', err: expect.stringContaining('npm run up') })
    },
  )

  it('says it as JSON to scripts', async () => {
    const ran = await cascata(['get', '--json'], { env: { REGISTRY_URL: 'http://127.0.0.1:1' } })
    expect(ran.code).toBe(1)
    expect(JSON.parse(ran.err)).toMatchObject({
      code: 'CLI_PLATFORM_DOWN',
      message: expect.stringContaining('registry does not answer at http://127.0.0.1:1'),
      hint: expect.stringContaining('npm run up'),
    })
  })
})

describe('plan and apply', () => {
  it('tell errors with file, line and column before anybody is asked', async () => {
    const good = file('good.yaml', view)
    const bad = file('bad.yaml', view.replace('entity: [flight]', 'entity: [flihgt]').replace('name: plans', 'name: other'))
    const ran = await cascata(['plan', '-f', good, '-f', bad], { env: { REGISTRY_URL: 'http://127.0.0.1:1' }, cwd: folder })
    expect(ran).toMatchObject({
      code: 1,
      err: expect.stringContaining('bad.yaml:4:48 spec.entity[0]: flihgt is not among the fields (did you mean flight?)'),
    })
  })

  it('refuse the same resource in two files, and folders without any', async () => {
    const one = file('one.yaml', view)
    const two = file('two.yaml', view)
    expect((await cascata(['plan', '-f', one, '-f', two], { cwd: folder })).err).toContain(
      'two.yaml:3:18 metadata.name: FeatureView/default/plans is described in one.yaml too',
    )
    const empty = mkdtempSync(join(folder, 'empty-'))
    expect(await cascata(['plan', '-f', empty])).toMatchObject({ code: 2, err: expect.stringContaining('no YAML file is in') })
    expect(await cascata(['plan', '-f', '-'], { stdin: '# nothing\n' })).toMatchObject({
      code: 1,
      err: expect.stringContaining('no resource is in -'),
    })
  })

  const planned = (action: string) => ({
    changed: action !== 'unchanged',
    errors: [],
    documents: [
      {
        kind: 'FeatureView',
        namespace: 'default',
        name: 'plans',
        revision: 2,
        action,
        changes: action === 'changed' ? [{ path: 'spec.ttl', from: '30d', to: '7d', effect: 'inPlace', why: 'from now on' }] : [],
        affects: [],
        applied: null,
      },
    ],
    unnamed: [],
  })

  it('plan ends with 3 when there are changes, with 0 when there are none', async () => {
    for (const [action, code] of [
      ['changed', 3],
      ['created', 3],
      ['unchanged', 0],
    ] as const) {
      const registry = await serving(() => [200, planned(action)])
      const ran = await cascata(['plan', '-f', file('p.yaml', view)], { env: { REGISTRY_URL: registry.url } })
      expect([action, ran.code, ran.err]).toEqual([action, code, ''])
      if (action === 'changed') expect(ran.out).toContain('spec.ttl: "30d" → "7d"')
      expect(registry.asked[0]).toMatchObject({ method: 'POST', url: '/v1/plan' })
    }
  })

  it('tell where what stands comes from, that it was changed by other means, and what would be pruned', async () => {
    const applied = { revision: 1, commit: null, at: '2026-01-02T03:04:05Z', by: 'ada' }
    const old = { kind: 'FeatureView', namespace: 'default', name: 'old', applied, inUse: [] as string[] }
    const used = { ...old, kind: 'Model', name: 'delay', inUse: ['its version 3 serves'] }
    const answer = (unnamed: object[]) => ({
      ...planned('changed'),
      documents: planned('changed').documents.map((each) => ({ ...each, applied })),
      unnamed,
    })
    const asking = async (unnamed: object[], ...more: string[]) => {
      const registry = await serving(() => [200, answer(unnamed)])
      const ran = await cascata(['plan', '-f', '-', ...more], { env: { REGISTRY_URL: registry.url }, stdin: view })
      return { ...ran, url: registry.asked[0]!.url }
    }
    const without = await asking([old])
    expect(without).toMatchObject({ code: 3, url: '/v1/plan' })
    expect(without.out).toContain('the platform has revision 1, by ada at')
    expect(without.out).toContain('changed by other means: applied without a commit')
    expect(without.out).toContain('in no file, left alone without --prune: FeatureView default/old')
    const pruning = await asking([old], '--prune')
    expect(pruning).toMatchObject({
      code: 3,
      url: '/v1/plan?prune=true',
      out: expect.stringContaining('- FeatureView default/old  deleted'),
    })
    const refused = await asking([old, used], '--prune')
    expect(refused).toMatchObject({ code: 1, out: expect.stringContaining('refused, as it is in use: Model default/delay') })
    expect(refused.out).toContain('its version 3 serves')
  })

  it('give the places of their files back to what the registry refuses', async () => {
    const registry = await serving(() => [
      422,
      {
        code: 'REG_RESOURCES_INVALID',
        message: 'no',
        hint: '',
        details: {
          errors: [
            {
              file: 'resources.yaml',
              line: 8,
              column: 3,
              field: 'spec.features[0]',
              message: 'there is no view',
              hint: 'did you mean plans?',
            },
          ],
        },
      },
    ])
    const first = file('first.yaml', view)
    const second = file('second.yaml', view.replace('name: plans', 'name: other'))
    const ran = await cascata(['apply', '-f', first, '-f', second], { env: { REGISTRY_URL: registry.url }, cwd: folder })
    expect(ran).toMatchObject({
      code: 1,
      err: expect.stringContaining('second.yaml:3:3 spec.features[0]: there is no view (did you mean plans?)'),
    })
  })

  it('apply sends the files as they are, with the commit, and the token', async () => {
    const registry = await serving(() => [
      200,
      [{ kind: 'FeatureView', namespace: 'default', name: 'plans', revision: 1, action: 'created' }],
    ])
    const below = join(folder, 'tree', 'deeper')
    mkdirSync(below, { recursive: true })
    writeFileSync(join(below, 'view.yml'), view)
    const ran = await cascata(['apply', '-f', join(folder, 'tree'), '--commit', 'abc123', '--json'], {
      env: { REGISTRY_URL: registry.url, CASCATA_TOKEN: 't0ken' },
    })
    expect([ran.code, JSON.parse(ran.out)]).toEqual([
      0,
      [{ kind: 'FeatureView', namespace: 'default', name: 'plans', revision: 1, action: 'created' }],
    ])
    expect(registry.asked[0]).toMatchObject({
      method: 'PUT',
      url: '/v1/resources?commit=abc123',
      body: `${view}---\n`,
      headers: { authorization: 'Bearer t0ken' },
    })
  })
})

describe('asking apps', () => {
  it('shows the words of the app, its code and its hint', async () => {
    const dispatcher = await serving(() => [
      409,
      { code: 'DISP_SUSPENDED', message: 'The model is suspended.', hint: 'Resume it first.', details: {} },
    ])
    const ran = await cascata(['train', 'flight-delay'], { env: { DISPATCHER_URL: dispatcher.url } })
    expect(ran).toEqual({ code: 1, out: '', err: 'cascata: The model is suspended. [DISP_SUSPENDED]\n  Resume it first.\n' })
    expect(dispatcher.asked).toHaveLength(1)
  })

  it('tries again what says it may be tried again', async () => {
    let times = 0
    const dispatcher = await serving(() => (++times < 3 ? [503, { code: 'X_BUSY', message: 'later', hint: '' }] : [200, []]))
    expect(await cascata(['runs'], { env: { DISPATCHER_URL: dispatcher.url } })).toMatchObject({
      code: 0,
      out: 'there is no run\n',
    })
    expect(dispatcher.asked).toHaveLength(3)
  })

  it('puts names with their namespace into routes', async () => {
    const deployer = await serving(() => [200, {}])
    await cascata(['rollback', 'team/flight-delay', '--to', '2'], { env: { DEPLOYER_URL: deployer.url } })
    await cascata(['promote', 'flight-delay', '-n', 'team'], { env: { DEPLOYER_URL: deployer.url } })
    expect(deployer.asked.map(({ method, url, body }) => [method, url, body])).toEqual([
      ['POST', '/v1/routes/team/flight-delay/rollback', '{"to":"2"}'],
      ['POST', '/v1/routes/team/flight-delay/promote', '{}'],
    ])
  })

  it('gives a verdict with a reason, after what it rests on', async () => {
    const gate = { gate: 'auc', passed: true, value: 0.71234, bound: 0.6, rows: 2000, note: null }
    const registry = await serving(() => [200, { state: 'registered', run: 'r-1' }])
    const dispatcher = await serving(() => [200, { evidence: [gate, { ...gate, gate: 'latencyP99', passed: false }] }])
    const env = { REGISTRY_URL: registry.url, DISPATCHER_URL: dispatcher.url }
    const approving = ['approve', 'flight-delay/3', '--why', 'checked', '--by', 'ada']
    const { code, out } = await cascata(approving, { env })
    expect(code).toBe(0)
    expect(out).toMatch(
      /^default\/flight-delay\/3 is registered; 1 of 2 gates failed\n[^]*auc +passed +0.7123 [^]*is approved\n$/,
    )
    expect(dispatcher.asked[0]!.url).toBe('/v1/runs/r-1')
    expect(registry.asked[1]).toMatchObject({
      url: '/v1/versions/default/flight-delay/3/verdict',
      body: '{"verdict":"approved","by":"ada","why":"checked"}',
    })

    const blind = await cascata(approving, { env: { REGISTRY_URL: registry.url } })
    expect(blind).toMatchObject({ code: 0, out: expect.stringMatching(/its evidence could not be read: [^]*is approved\n$/) })
    await cascata([...approving, '--json'], { env: { REGISTRY_URL: registry.url } })
    expect(registry.asked.map(({ method }) => method)).toEqual(['GET', 'POST', 'GET', 'POST', 'POST'])
  })

  it('stops every model with --all', async () => {
    const registry = await serving(() => [
      200,
      [{ metadata: { namespace: 'default', name: 'a' } }, { metadata: { namespace: 'b', name: 'c' } }],
    ])
    const dispatcher = await serving(() => [200, {}])
    const deployer = await serving(() => [409, { code: 'DEP_NO_ROLLOUT', message: 'none', hint: '' }])
    const env = { REGISTRY_URL: registry.url, DISPATCHER_URL: dispatcher.url, DEPLOYER_URL: deployer.url }
    expect(await cascata(['pause', '--all'], { env })).toMatchObject({ code: 0, out: 'default/a is paused\nb/c is paused\n' })
    expect(dispatcher.asked.map(({ url }) => url)).toEqual(['/v1/pause'])
  })

  it('shows what came in without letting it steer the terminal', async () => {
    const dispatcher = await serving(() => [
      200,
      {
        runs: [
          {
            run: 'r-1\u001b[2J',
            state: 'failed',
            awaiting: null,
            model: 'default/a',
            trigger: 'manual',
            version: null,
            requestedAt: '2001-01-14T00:00:00Z',
          },
        ],
      },
    ])
    const { out } = await cascata(['runs'], { env: { DISPATCHER_URL: dispatcher.url } })
    expect(out).not.toContain('\u001b')
    expect(out).toContain('2001-01-14 00:00:00')
  })

  it('has features looked up for the rows of a file', async () => {
    const store = await serving(({ url }) =>
      url.startsWith('/v1/spines') ? [200, { sha256: 'ab'.repeat(32) }] : [202, { id: 'd-9' }],
    )
    const env = { FEATURE_STORE_URL: store.url }
    writeFileSync(join(folder, 'asked.csv'), 'flight,seen\nF1,2001-01-14T09:30:00Z\n')
    const build = (...more: string[]) => cascata(['dataset', 'build', '--no-wait', ...more], { env, cwd: folder })
    const ran = await build('--spine', 'asked.csv', '--at', 'seen', '--features', 'plans:carrier', 'plans:seats')
    expect(ran).toMatchObject({ code: 0, out: expect.stringContaining('dataset d-9 is being built') })
    expect(store.asked.map(({ method, url, body }) => [method, url, body])).toEqual([
      ['PUT', '/v1/spines?at=seen', 'flight,seen\nF1,2001-01-14T09:30:00Z\n'],
      [
        'POST',
        '/v1/datasets',
        JSON.stringify({ namespace: 'default', features: ['plans:carrier', 'plans:seats'], spine: 'ab'.repeat(32) }),
      ],
    ])
    for (const wrong of [
      [],
      ['--spine', 'asked.csv'],
      ['m', '--spine', 'asked.csv'],
      ['--spine', 'asked.csv', '--features', 'a:b', '--label', 'c:d'],
    ])
      expect(await build(...wrong)).toMatchObject({ code: 2 })
    expect(await build('--spine', 'none.csv', '--features', 'a:b')).toMatchObject({
      code: 1,
      err: expect.stringContaining("can't be read"),
    })
  })
  it('keeps a dataset in a file, whole or not at all', async () => {
    const store = await serving(({ url }) =>
      url.endsWith('/data') ? [200, 'PAR1'] : [404, { code: 'FS_DATASET_NOT_FOUND', message: 'no such dataset', hint: 'look' }],
    )
    const env = { FEATURE_STORE_URL: store.url }
    expect(await cascata(['dataset', 'download', 'd-1'], { env, cwd: folder })).toMatchObject({
      code: 0,
      out: `${join(folder, 'd-1.parquet')}\n`,
    })
    expect(readFileSync(join(folder, 'd-1.parquet'), 'utf8')).toBe('PAR1')
    expect(await cascata(['dataset', 'show', 'd-2'], { env })).toMatchObject({
      code: 1,
      err: expect.stringContaining('[FS_DATASET_NOT_FOUND]'),
    })
  })
})

describe('status', () => {
  it('shows each model by what the apps say, and ends with 1 when an app is not ready', async () => {
    const registry = await serving(({ url }) =>
      url === '/readyz' ? [200, {}] : [200, [{ kind: 'Model', metadata: { namespace: 'default', name: 'flight-delay' } }]],
    )
    const deployer = await serving(({ url }) =>
      url === '/readyz'
        ? [200, {}]
        : [
            200,
            {
              serving: '3',
              candidate: '4',
              shadow: null,
              waiting: null,
              rollout: { version: '4', state: 'step', step: 2, share: 0.25, reason: null },
            },
          ],
    )
    const dispatcher = await serving(({ url }) =>
      url === '/readyz'
        ? [200, {}]
        : url.startsWith('/v1/runs')
          ? [200, [{ run: 'r-5', state: 'training', awaiting: null, progress: { share: 0.4 } }]]
          : [
              200,
              {
                state: 'frozen',
                suspended: null,
                pausedBy: null,
                frozenBy: [{ type: 'data-invalid' }],
                labels: { ripe: 120_000, labelled: 118_412, cutoff: null },
                lastDataset: null,
                nextTrigger: null,
              },
            ],
    )
    const env = { REGISTRY_URL: registry.url, DEPLOYER_URL: deployer.url, DISPATCHER_URL: dispatcher.url }
    const { code, out } = await cascata(['status'], { env })
    expect(code).toBe(1)
    expect(out).toMatch(/● registry {3}● feature-store no platform is up/)
    expect(out).toMatch(/flight-delay\s+3\s+4 step 25%\s+training 40%\s+118,412\s+frozen by data-invalid/)
  })
})

describe('logs', () => {
  it('shows the last lines of an app for people, or as they are for scripts', async () => {
    mkdirSync(join(folder, 'home', 'logs'), { recursive: true })
    const lines = Array.from({ length: 200 }, (_, i) =>
      JSON.stringify({ level: i % 2 ? 40 : 30, time: '2001-01-14T00:00:00Z', msg: `line ${i}`, port: i }),
    )
    writeFileSync(join(folder, 'home', 'logs', 'registry.log'), `${lines.join('\n')}\nnot json\n`)
    const env = { CASCATA_HOME: join(folder, 'home') }
    expect((await cascata(['logs', 'registry', '--lines', '2'], { env })).out).toBe(
      '2001-01-14 00:00:00 warn  line 199 port=199\nnot json\n',
    )
    expect((await cascata(['logs', 'registry', '--lines', '3', '--level', 'warn', '--json'], { env })).out).toBe(
      `${lines[199]}\nnot json\n`,
    )
    expect((await cascata(['logs'], { env })).out).toContain('registry')
    expect(await cascata(['logs', 'toaster'], { env })).toMatchObject({ code: 1, err: expect.stringContaining('logs: registry') })
  })
})
