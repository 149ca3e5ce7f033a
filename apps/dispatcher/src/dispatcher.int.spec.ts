import {
  datasetBuilt,
  findingClosed,
  findingOpened,
  modelPaused,
  modelResumed,
  rolloutCompleted,
  trainingCoalesced,
  trainingFailed,
  trainingFrozen,
  trainingRefused,
  trainingRequested,
  trainingStarted,
  trainingSucceeded,
  trainingUnfrozen,
  versionApproved,
  versionRegistered,
  versionRejected,
} from '@cascata/events'
import { eventually } from '@cascata/testing'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RowsForTest } from './feature-store-for-test.ts'
import { startPlatform, yamlOf } from './platform-for-test.ts'

let platform: Awaited<ReturnType<typeof startPlatform>>
const start = Date.parse('2001-01-01T00:00:00Z')
const good: RowsForTest = { rows: 2_000, from: start, days: 20, noise: 0.2 }

beforeAll(async () => {
  platform = await startPlatform({
    DISPATCHER_OUTPUT_LIMIT: '20MiB',
    DISPATCHER_MODEL_LIMIT: '4MiB',
    DISPATCHER_PRINT_LIMIT: '2MiB',
    DISPATCHER_MAX_CONCURRENT: '3',
  })
})
afterAll(() => platform?.stop())

const apply = async (yaml: string) => {
  const { status, text } = await platform.call('registry', 'PUT', '/v1/resources', yaml)
  expect(status, text).toBe(200)
}
const ripen = (model: string, labelled: number, days = 20) => platform.ripen(model, labelled, start + days * 86_400_000)
const trained = async (model: string, yaml: string, rows = good) => {
  platform.rows(model, rows)
  await apply(yaml)
  await ripen(model, rows.rows)
}
const ended = (id: string) =>
  eventually(
    async () => {
      const run = await platform.run(id)
      if (run.endedAt === null) throw new Error(`The run is ${run.state}.`)
      return run
    },
    { timeout: 60_000 },
  )

describe('the way from labels to a version', () => {
  it('goes by itself: dataset, training, gates, refit, approval', async () => {
    await trained('first', yamlOf('first'))
    const approved = await platform.heard(versionApproved, 'first')
    expect(approved).toMatchObject({ version: '1', by: 'gates', comparison: 'first', holdout: { metric: 'auc', rows: 500 } })
    const run = await ended(approved.run!)
    expect(run).toMatchObject({ state: 'approved', version: '1', trigger: 'newLabels', failure: null })
    expect(run.evidence.map(({ gate }: { gate: string }) => gate)).toEqual([
      'inputs',
      'finite answers',
      'golden rows',
      'size',
      'floor auc',
      'baseline',
      'latency p99',
      'refit metric',
      'refit scores',
      'refit golden rows',
      'refit finite answers',
    ])
    const version = await eventually(async () => {
      const { body } = await platform.call('registry', 'GET', '/v1/versions/default/first/1')
      expect(body).toMatchObject({ run: run.run, datasetHash: run.dataset.hash, cutoff: run.dataset.cutoff, state: 'approved' })
      return body
    })
    const evidence = (await platform.call('registry', 'GET', `/v1/blobs/${approved.evidence}`)).body
    expect(evidence.figures.candidate.importance.map(({ feature }: { feature: string }) => feature)).toContain('plans__distance')
    const profile = (await platform.call('registry', 'GET', `/v1/blobs/${version.profileSha256}`)).body
    expect(profile).toMatchObject({
      rows: 2_000,
      columns: { plans__carrier: { kind: 'categorical' } },
      scores: { kind: 'numeric' },
    })
    const logged = (await platform.call('registry', 'GET', `/api/2.0/mlflow/runs/get?run_id=${run.mlflow.run}`)).body.run
    expect(logged.info.status).toBe('FINISHED')
    expect(logged.data.metrics.map(({ key }: { key: string }) => key)).toContain('holdout.auc')
    expect((await platform.call('dispatcher', 'GET', `/v1/runs/${run.run}/logs`)).text).toContain('"progress":1')
  })

  it('is one chain of causes with one correlation', () => {
    const run = platform.about(trainingRequested, 'first')[0]!.run
    const chain = platform.said.filter(
      ({ data }) => (data as { run?: string }).run === run && (data as { model: string }).model === 'first',
    )
    expect(
      new Set(chain.filter(({ source }) => source === '/cascata/dispatcher').map(({ correlationid }) => correlationid)).size,
    ).toBeLessThanOrEqual(2)
    expect(
      [trainingStarted.type, trainingSucceeded.type, versionApproved.type].map(
        (type) => chain.filter((event) => event.type === type).length,
      ),
    ).toEqual([1, 1, 1])
    const registered = chain.find(({ type }) => type === versionRegistered.type)
    const back: string[] = []
    for (let event = registered; event; event = platform.said.find(({ id }) => id === event!.causationid)) back.push(event.type)
    expect(back).toEqual([versionRegistered, trainingSucceeded, datasetBuilt, trainingRequested].map(({ type }) => type))
  })

  it('compares the next one with what serves, on rows unseen by both', async () => {
    const rollout = {
      namespace: 'default',
      model: 'first',
      revision: 1,
      rollout: 'ro',
      version: '1',
      champion: null,
      step: 0,
      share: 1,
      evidence: {},
      reason: 'first',
    }
    await platform.say(rolloutCompleted, rollout, 'deployer')
    platform.rows('first', { ...good, rows: 6_000, days: 60 })
    await eventually(async () =>
      expect((await platform.call('dispatcher', 'GET', '/v1/models/default/first')).body.served).toBe('1'),
    )
    await ripen('first', 6_000, 60)
    const approved = await platform.heard(versionApproved, 'first', 2)
    expect(approved).toMatchObject({ version: '2', comparison: 'passed' })
    const champion = (await platform.run(approved.run!)).evidence.find(({ gate }: { gate: string }) => gate === 'champion 1')
    expect(champion).toMatchObject({ passed: true, rows: 1_500 })
  })

  it('compares a spec of other features with what serves, by asking for what only the champion reads', async () => {
    await eventually(async () =>
      expect((await platform.call('dispatcher', 'GET', '/v1/models/default/first')).body.activeRun).toBe(null),
    )
    platform.rows('first', { ...good, rows: 6_600, days: 66 })
    await apply(yamlOf('first', { features: '["plans:distance"]' }))
    const rejected = await platform.heard(versionRejected, 'first')
    expect(rejected).toMatchObject({ version: null, comparison: 'failed' })
    expect(rejected.why).toMatch(/^champion 1: -0\.\d+ /)
    expect(platform.asked).toMatchObject([{ features: ['plans:carrier'] }])
    await apply(yamlOf('first'))
    await platform.heard(versionApproved, 'first', 3)
  })

  it('does not repeat a run of the same dataset, code, parameters and seed', async () => {
    const { body } = await platform.call('dispatcher', 'POST', '/v1/runs', { model: 'first' })
    expect(await ended(body.run)).toMatchObject({ state: 'cancelled', failure: { code: 'DISP_IDENTICAL_RUN' } })
    expect(await platform.heard(trainingRefused, 'first')).toMatchObject({ run: body.run, reason: 'identical' })
  })

  it('refuses a candidate that is not good enough, with evidence and no version', async () => {
    await trained('noisy', yamlOf('noisy'), { ...good, noise: 1 })
    const rejected = await platform.heard(versionRejected, 'noisy')
    expect(rejected).toMatchObject({ version: null, comparison: 'first' })
    expect(rejected.why).toMatch(/floor auc|baseline/)
    expect((await platform.call('registry', 'GET', `/v1/blobs/${rejected.evidence}`)).body).toMatchObject({ run: rejected.run })
    expect((await platform.call('registry', 'GET', '/v1/versions/default/noisy')).body).toEqual([])
  })

  it('judges a version that a client registered by the same gates, and waits for a person', async () => {
    await eventually(async () =>
      expect((await platform.call('dispatcher', 'GET', '/v1/models/default/first')).body.activeRun).toBe(null),
    )
    const mlflow = (path: string, body: object) => platform.call('registry', 'POST', `/api/2.0/mlflow/${path}`, body)
    const { sha, experiment, run } = await platform.uploadModel('default/first', '/v1/versions/default/first/1')
    const source = `mlflow-artifacts:/${experiment}/${run}/artifacts/model`
    const created = await mlflow('model-versions/create', { name: 'first', source, run_id: run })
    expect(created.status, created.text).toBe(200)
    const { version } = created.body.model_version
    expect((await platform.call('registry', 'GET', `/v1/versions/default/first/${version}`)).body).toMatchObject({
      origin: 'client',
      modelSha256: sha,
    })
    const judged = await eventually(
      async () => {
        const { body } = await platform.call('dispatcher', 'GET', '/v1/runs?model=first')
        const found = body.find((each: { version: string }) => each.version === version)
        expect(found).toMatchObject({ awaiting: 'approval' })
        return found
      },
      { timeout: 90_000 },
    )
    expect(judged.evidence.every(({ passed }: { passed: boolean }) => passed)).toBe(true)
    expect(judged.attempts).toEqual([])
    await platform.call('registry', 'POST', `/v1/versions/default/first/${version}/verdict`, { verdict: 'approved', by: 'ada' })
    expect(await ended(judged.run)).toMatchObject({ state: 'approved', version })
  })

  it('waits for a person where the model says so', async () => {
    await trained('manual', yamlOf('manual', { gates: '{approval: manual, latencyP99: 1m}' }))
    const { run } = await platform.heard(trainingRequested, 'manual')
    await eventually(async () => expect(await platform.run(run)).toMatchObject({ version: '1', awaiting: 'approval' }), {
      timeout: 60_000,
    })
    expect(platform.about(versionApproved, 'manual')).toEqual([])
    await platform.call('registry', 'POST', '/v1/versions/default/manual/1/verdict', { verdict: 'approved', by: 'ada' })
    expect(await ended(run)).toMatchObject({ state: 'approved', awaiting: null })
  })
})

describe('data that must not be trained on', () => {
  it('is refused by the profile of the last good model, not by what was bad long ago', async () => {
    await trained('checked', yamlOf('checked'))
    await platform.heard(versionApproved, 'checked')
    platform.rows('checked', { ...good, rows: 2_500, scale: 3 })
    await ripen('checked', 2_500)
    expect(await platform.heard(trainingRefused, 'checked')).toMatchObject({
      reason: 'data-invalid',
      evidence: { anomalies: [{ anomaly: 'FLOAT_TYPE_OUT_OF_RANGE', feature: 'plans__distance' }] },
    })
    platform.rows('checked', { ...good, rows: 3_000, missing: 0.1 })
    const { body } = await platform.call('dispatcher', 'POST', '/v1/runs', { model: 'checked' })
    expect(await ended(body.run)).toMatchObject({
      state: 'failed',
      failure: { code: 'DISP_DATA_INVALID', message: 'FEATURE_TYPE_LOW_FRACTION_PRESENT of plans__distance' },
    })
  })
})

const script = `
import { readFileSync, writeFileSync, appendFileSync, existsSync, copyFileSync, mkdirSync } from 'node:fs'
import { spawn, execFileSync } from 'node:child_process'
const job = JSON.parse(readFileSync(process.env.CASCATA_JOB, 'utf8'))
const put = (name, content) => writeFileSync(job.output + '/' + name, content)
const honest = () => execFileSync(process.execPath, [process.env.TRAINER], { stdio: 'inherit' })
const never = () => new Promise(() => setInterval(() => {}, 1000))
const kinds = {
  crash: () => process.kill(process.pid, 'SIGKILL'),
  hang: never,
  nothing: () => {},
  huge: () => { for (let i = 0; i < 40; i++) appendFileSync(job.output + '/model.onnx', Buffer.alloc(1_000_000)) },
  'too large': () => { honest(); put('model.onnx', Buffer.alloc(5_000_000)) },
  flood: () => { const print = () => process.stdout.write('x'.repeat(100_000), print); print(); return never() },
  children: () => { honest(); spawn('sleep', ['300'], { detached: true, stdio: 'ignore' }).unref() },
  garbage: () => { honest(); put('model.onnx', 'this is not a model') },
  liar: () => {
    honest()
    put('metrics.json', JSON.stringify({ metrics: { auc: 1 }, fitted: {} }))
    put('golden.json', readFileSync(job.output + '/golden.json', 'utf8').replaceAll('0.', '0.9'))
  },
  flaky: () => { if (job.attempt === 1) process.exit(7); honest() },
  slow: async () => { while (!existsSync(process.env.GATE)) await new Promise((r) => setTimeout(r, 20)); honest() },
  peek: () => { if (!job.refit && existsSync(job.output + '/../../data/holdout.parquet')) process.exit(9); honest() },
}
await kinds[process.argv[2]]()
`
const bad = (kind: string, more = ''): string => {
  const path = join(platform.home, 'trainer.mjs')
  writeFileSync(path, script)
  const trainer = join(import.meta.dirname, 'trainers/gbdt/main.ts')
  return `{trainer: {command: ["${process.execPath}", "${path}", "${kind}"]}, code: abc1234, rows: {min: 300}, params: {trees: 20}, run: {timeout: 30s, retries: 0, env: {TRAINER: "${trainer}", GATE: "${platform.home}/gate"}${more}}}`
}

describe('a trainer', () => {
  const failing = {
    crash: 'TRAINER_FAILED',
    hang: 'TRAINER_DEADLINE',
    nothing: 'TRAINER_NO_MODEL',
    huge: 'TRAINER_OUTPUT_TOO_LARGE',
    'too large': 'TRAINER_MODEL_TOO_LARGE',
    flood: 'TRAINER_FLOOD',
    children: 'TRAINER_LEFT_CHILDREN',
  }
  const lying = { garbage: /^The file is not an ONNX model/, liar: /^golden rows/ }
  const modelOf = (kind: string): string => `bad-${kind.replace(' ', '-')}`
  beforeAll(async () => {
    for (const kind of [...Object.keys(failing), ...Object.keys(lying)])
      await trained(
        modelOf(kind),
        yamlOf(modelOf(kind), { train: kind === 'hang' ? bad(kind).replace('timeout: 30s', 'timeout: 2s') : bad(kind) }),
      )
  })
  it.each(Object.entries(failing))('that is bad (%s) fails with %s', async (kind, code) => {
    expect(await platform.heard(trainingFailed, modelOf(kind))).toMatchObject({ code, attempt: 1 })
  })
  it.each(Object.entries(lying))('that lies (%s) is refused by the gates', async (kind, why) => {
    expect((await platform.heard(versionRejected, modelOf(kind))).why).toMatch(why)
  })
  it('that fails once is started again, and never sees the holdout', async () => {
    await trained('flaky', yamlOf('flaky', { train: bad('flaky', '').replace('retries: 0', 'retries: 1') }))
    await trained('peek', yamlOf('peek', { train: bad('peek') }))
    const { run } = await platform.heard(versionApproved, 'flaky')
    expect((await platform.run(run!)).attempts).toMatchObject([
      { attempt: 1, exit: { code: 7 } },
      { attempt: 2, exit: { code: 0 } },
      { what: 'refit', attempt: 1, exit: { code: 7 } },
      { what: 'refit', attempt: 2, exit: { code: 0 } },
    ])
    await platform.heard(versionApproved, 'peek')
  })
})

describe('a killed dispatcher', () => {
  it('finds its jobs again, and makes exactly one version of a run', async () => {
    await trained('slow', yamlOf('slow', { train: bad('slow').replace('timeout: 30s', 'timeout: 2m') }))
    const { run } = await platform.heard(trainingStarted, 'slow')
    await platform.killDispatcher()
    writeFileSync(join(platform.home, 'gate'), '')
    await platform.startDispatcher()
    await eventually(async () => expect(['gating', 'refitting', 'approved']).toContain((await platform.run(run)).state), {
      timeout: 60_000,
    })
    await platform.killDispatcher()
    await platform.startDispatcher()
    const approved = await platform.heard(versionApproved, 'slow')
    expect(await ended(run)).toMatchObject({ state: 'approved', version: approved.version })
    expect((await platform.call('registry', 'GET', '/v1/versions/default/slow')).body).toHaveLength(1)
    expect(platform.about(trainingStarted, 'slow')).toHaveLength(1)
    expect(platform.about(versionApproved, 'slow')).toHaveLength(1)
  })
})

describe('people', () => {
  it('pause and resume a model; what asked meanwhile is trained', async () => {
    platform.rows('paused', good)
    await apply(yamlOf('paused'))
    await eventually(async () =>
      expect((await platform.call('dispatcher', 'POST', '/v1/models/default/paused/pause')).status).toBe(200),
    )
    await platform.heard(modelPaused, 'paused')
    await ripen('paused', 2_000)
    expect(await platform.heard(trainingRefused, 'paused')).toMatchObject({ reason: 'paused', run: null })
    expect(await platform.call('dispatcher', 'POST', '/v1/runs', { model: 'paused' })).toMatchObject({
      status: 409,
      body: { code: 'DISP_TRAINING_FORBIDDEN' },
    })
    await platform.call('dispatcher', 'POST', '/v1/models/default/paused/resume')
    await platform.heard(modelResumed, 'paused')
    await platform.heard(versionApproved, 'paused')
  })

  it('cancel a run, and what it has started ends', async () => {
    const never = join(platform.home, 'never')
    await trained(
      'cancelled',
      yamlOf('cancelled', { train: bad('slow').replace('timeout: 30s', 'timeout: 2m').replace(`${platform.home}/gate`, never) }),
    )
    const { run } = await platform.heard(trainingStarted, 'cancelled')
    expect((await platform.call('dispatcher', 'POST', `/v1/runs/${run}/cancel`)).status).toBe(202)
    expect(await ended(run)).toMatchObject({ state: 'cancelled', failure: { code: 'DISP_RUN_CANCELLED' } })
    expect(existsSync(never)).toBe(false)
    expect(await platform.call('dispatcher', 'POST', `/v1/runs/${run}/cancel`)).toMatchObject({
      status: 409,
      body: { code: 'DISP_RUN_ENDED' },
    })
  })

  it('ask for a training; a pending run absorbs the wish', async () => {
    platform.hold(true)
    await apply(yamlOf('asked'))
    platform.rows('asked', good)
    const first = await eventually(async () => {
      const answer = await platform.call('dispatcher', 'POST', '/v1/runs', { model: 'asked' })
      expect(answer.status).toBe(202)
      return answer.body.run
    })
    await eventually(async () => expect((await platform.run(first)).state).toBe('building'))
    const second = (await platform.call('dispatcher', 'POST', '/v1/runs', { model: 'default/asked' })).body.run
    expect(second).not.toBe(first)
    expect((await platform.call('dispatcher', 'POST', '/v1/runs', { model: 'asked' })).body.run).toBe(second)
    expect(await platform.heard(trainingCoalesced, 'asked')).toMatchObject({ into: second })
    await platform.call('dispatcher', 'POST', `/v1/runs/${second}/cancel`)
    await platform.call('dispatcher', 'POST', `/v1/runs/${first}/cancel`)
    platform.hold(false)
    expect((await ended(first)).state).toBe('cancelled')
  })

  it('change the spec; the pending run is one of the new spec', async () => {
    platform.hold(true)
    await trained('renewed', yamlOf('renewed'))
    const { run: first } = await platform.heard(trainingRequested, 'renewed')
    await eventually(async () => expect((await platform.run(first)).state).toBe('building'))
    const second = (await platform.call('dispatcher', 'POST', '/v1/runs', { model: 'renewed' })).body.run
    expect(await platform.run(second)).toMatchObject({ state: 'requested', revision: 1 })
    await apply(yamlOf('renewed', { train: '{params: {trees: 20}, rows: {min: 300}}' }))
    expect(await ended(first)).toMatchObject({ state: 'cancelled', revision: 1 })
    platform.hold(false)
    expect(await ended(second)).toMatchObject({ state: 'approved', revision: 2, trigger: 'manual' })
  })

  it('are told what is not there', async () => {
    expect(await platform.call('dispatcher', 'POST', '/v1/runs', { model: 'no/such' })).toMatchObject({
      status: 404,
      body: { code: 'DISP_MODEL_NOT_FOUND' },
    })
    expect(await platform.call('dispatcher', 'GET', '/v1/runs/r-none')).toMatchObject({
      status: 404,
      body: { code: 'DISP_RUN_NOT_FOUND' },
    })
    expect((await platform.call('dispatcher', 'POST', '/v1/runs', {})).status).toBe(400)
  })
})

describe('a finding about a view', () => {
  it('freezes the models that read it until it is closed', async () => {
    const model = 'frozen'
    platform.rows(model, good)
    await apply(yamlOf(model))
    await eventually(async () =>
      expect((await platform.call('dispatcher', 'GET', `/v1/models/default/${model}`)).status).toBe(200),
    )
    const finding = {
      namespace: 'default',
      view: 'plans',
      revision: 1,
      finding: 'f1',
      episode: 'e1',
      type: 'data-gap' as const,
      version: null,
      measure: 'offsets',
      size: 3,
      threshold: 0,
      windows: [],
      features: [],
    }
    await platform.say(findingOpened, finding)
    expect(await platform.heard(trainingFrozen, model)).toMatchObject({ reason: 'data-gap', episode: 'e1' })
    await ripen(model, 2_000)
    expect(await platform.heard(trainingRefused, model)).toMatchObject({ reason: 'frozen' })
    await platform.say(findingClosed, { ...finding, reason: 'resumed' })
    await platform.heard(trainingUnfrozen, model)
    await platform.heard(versionApproved, model)
  })
})
