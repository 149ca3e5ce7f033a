import { execFile, execFileSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase, silent } from '@cascata/messaging'
import { backing } from '@cascata/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { startForTest } from '../start-for-test.ts'

const root = join(import.meta.dirname, '../../../..')
const workflow = parse(readFileSync(join(root, 'examples/ci/cascata.yml'), 'utf8')) as {
  jobs: Record<string, { steps: { name?: string; run?: string }[] }>
}
const clone = mkdtempSync(join(tmpdir(), 'ci-for-models-'))
let registry: Awaited<ReturnType<typeof startForTest>>

const git = (...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=ada', '-c', 'user.email=ada@example.org', ...args], {
    cwd: clone,
    encoding: 'utf8',
  }).trim()
const commit = () => {
  git('add', 'resources')
  git('commit', '-q', '-m', 'Change models')
}
const resource = (name: string) => join(clone, 'resources', name)

beforeAll(async () => {
  registry = await startForTest()
  mkdirSync(join(clone, '.platform'))
  for (const path of ['cascata', '.platform/cascata']) {
    writeFileSync(join(clone, path), `#!/bin/sh\nexec "${process.execPath}" "${join(root, 'apps/cli/src/main.ts')}" "$@"\n`)
    chmodSync(join(clone, path), 0o755)
  }
  git('init', '-q')
  for (const name of ['views.yaml', 'model.yaml']) cpSync(join(root, 'examples/flights', name), resource(name))
  commit()
})
afterAll(async () => {
  await registry?.stop()
  rmSync(clone, { recursive: true })
})

/** Runs shell text as GitHub does, in the clone. */
const bash = (text: string, event = 'push') =>
  new Promise<{ code: number; out: string }>((resolve) => {
    const env = {
      PATH: process.env['PATH'],
      REGISTRY_URL: registry.url,
      CASCATA_HOME: join(clone, 'nowhere'),
      GITHUB_EVENT_NAME: event,
      GITHUB_STEP_SUMMARY: join(clone, 'summary.md'),
    }
    execFile('bash', ['-e', '-c', text], { cwd: clone, env, timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, out: stdout + stderr }),
    )
  })
const job = async (name: 'plan' | 'apply', event: string) => {
  let ran = { code: 0, out: '' }
  for (const { run } of workflow.jobs[name]!.steps) {
    if (run !== undefined && ran.code === 0) ran = await bash(run, event)
  }
  return ran
}
const applied = async (): Promise<string[]> =>
  (await registry.call('GET', '/v1/resources')).body.map((each: { kind: string; name: string }) => `${each.kind} ${each.name}`)

describe('CI for models', { timeout: 120_000 }, () => {
  it('does what docs/ci-for-models.md says', async () => {
    const [, commands] = /^```sh\n(.*?)^```$/ms.exec(readFileSync(join(root, 'docs/ci-for-models.md'), 'utf8'))!
    for (const line of commands!.trim().split('\n')) {
      const { code, out } = await bash(line)
      expect([line, code], out).toEqual([line, Number(/# ends with (\d)/.exec(line)?.[1] ?? 0)])
    }
    expect(await applied()).toHaveLength(4)
  })

  it('plans on a pull request: changes pass, and what is refused does not', async () => {
    const model = readFileSync(resource('model.yaml'), 'utf8')
    writeFileSync(resource('model.yaml'), model.replace('lead: 2h', 'lead: 3h'))
    const changed = await job('plan', 'pull_request')
    expect(changed.code, changed.out).toBe(0)
    expect(changed.out).toContain('retrained: default/flight-delay')
    expect(changed.out).toContain(`the platform has revision 1 of commit ${git('rev-parse', 'HEAD').slice(0, 12)}`)
    expect(changed.out).not.toContain('changed by other means')
    expect(readFileSync(join(clone, 'summary.md'), 'utf8')).toContain('retrained: default/flight-delay')

    writeFileSync(resource('model.yaml'), model.replace('plans:hour', 'plans:our'))
    const refused = await job('plan', 'pull_request')
    expect(refused.code).toBe(1)
    expect(refused.out).toMatch(/resources\/model\.yaml:\d+:\d+ spec\.features\[0\]/)
    writeFileSync(resource('model.yaml'), model.replace('lead: 2h', 'lead: 3h'))
    commit()
  })

  it('applies on a merge, with the commit, and again changes nothing', async () => {
    expect(await job('apply', 'push')).toMatchObject({ code: 0, out: expect.stringMatching(/flight-delay\s.*2\s.*changed/) })
    expect((await registry.call('GET', '/v1/resources/Model/default/flight-delay')).body).toMatchObject({
      revision: 2,
      commit: git('rev-parse', 'HEAD'),
    })
    expect(await job('apply', 'push')).toMatchObject({ code: 0, out: expect.not.stringContaining(' changed') })
    expect(await job('plan', 'schedule')).toMatchObject({ code: 0 })
  })

  it('tells that the platform was changed by other means', async () => {
    const byHand = readFileSync(resource('model.yaml'), 'utf8').replace('lead: 3h', 'lead: 4h')
    await registry.call('PUT', '/v1/resources', byHand)
    const drifted = await job('plan', 'schedule')
    expect(drifted.code, drifted.out).toBe(3)
    expect(drifted.out).toContain('the platform has revision 3, by local')
    expect(drifted.out).toContain('changed by other means: applied without a commit')
    expect(await job('apply', 'push')).toMatchObject({ code: 0 })
  })

  it('prunes what no file names, but nothing that is in use, and nothing of another namespace', async () => {
    const views = readFileSync(resource('views.yaml'), 'utf8')
    await registry.call('PUT', '/v1/resources', views.replaceAll('metadata:\n', 'metadata:\n  namespace: team\n'))
    git('rm', '-q', 'resources/model.yaml')
    const db = await openDatabase({ url: backing().postgres, schema: registry.settings.schema, log: silent, poolSize: 1 })
    await db.query(
      `insert into route (namespace, model, generation, at, said) values ('default', 'flight-delay', 1, now(), $1)`,
      [JSON.stringify({ champion: '3', warm: [], split: [] })],
    )
    const serving = await job('plan', 'pull_request')
    expect(serving).toMatchObject({ code: 1, out: expect.stringContaining('its version 3 serves') })
    const refused = await job('apply', 'push')
    expect(refused).toMatchObject({ code: 1, out: expect.stringContaining('REG_RESOURCES_IN_USE') })

    await db.query(`update route set said = jsonb_set(said, '{champion}', 'null')`)
    await db.close()
    expect(await job('plan', 'pull_request')).toMatchObject({
      code: 0,
      out: expect.stringContaining('- Model default/flight-delay  deleted'),
    })
    expect(await applied()).toHaveLength(7)
    expect(await job('apply', 'push')).toMatchObject({ code: 0 })
    expect(await applied()).toHaveLength(6)
    expect((await registry.call('GET', '/v1/audit?action=resource.deleted')).body).toMatchObject([
      { subject: 'Model/default/flight-delay', details: { commit: expect.stringMatching(/^[0-9a-f]{40}/) } },
    ])
    expect(await registry.call('PUT', '/v1/resources?prune=yes', views)).toMatchObject({
      status: 400,
      body: { code: 'REG_PRUNE_UNCLEAR' },
    })
  })
})
