import { versionApproved, versionRegistered } from '@cascata/events'
import { eventually } from '@cascata/testing'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startPlatform, yamlOf } from '../platform-for-test.ts'

const start = Date.parse('2001-01-01T00:00:00Z')
const trainers = mkdtempSync(join(tmpdir(), 'trainers-'))
const built = resolve(import.meta.dirname, '../../../../dist/apps/dispatcher/trainers/gbdt/main.js')

/** A trainer of somebody's own: the built-in one, with as many trees as a file beside it says, or as chance has it. */
const script = `
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
const { trees } = JSON.parse(readFileSync('trees.json', 'utf8'))
const job = JSON.parse(readFileSync(process.env.CASCATA_JOB, 'utf8'))
const path = process.env.TMPDIR + '/job.json'
writeFileSync(path, JSON.stringify({ ...job, params: { trees: trees ?? 5 + Math.floor(Math.random() * 30) } }))
process.exit(spawnSync(process.execPath, [${JSON.stringify(built)}], { stdio: 'inherit', env: { ...process.env, CASCATA_JOB: path } }).status)
`
const git = (...args: string[]) =>
  execFileSync('git', ['-C', trainers, '-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], { stdio: 'pipe' })
    .toString()
    .trim()
const trees = (count: number | null) => writeFileSync(join(trainers, 'trees.json'), JSON.stringify({ trees: count }))

let platform: Awaited<ReturnType<typeof startPlatform>>
beforeAll(async () => {
  git('init', '-q')
  writeFileSync(join(trainers, 'train.mjs'), script)
  writeFileSync(join(trainers, 'package-lock.json'), '{}')
  trees(20)
  git('add', '.')
  git('commit', '-q', '-m', 'trees')
  platform = await startPlatform({ DISPATCHER_TRAINERS: trainers })
})
afterAll(async () => {
  await platform?.stop()
  rmSync(trainers, { recursive: true, force: true })
})

const trained = async (model: string, train?: string) => {
  platform.rows(model, { rows: 1_200, from: start, days: 20, noise: 0.2 })
  const { status, text } = await platform.call('registry', 'PUT', '/v1/resources', yamlOf(model, train ? { train } : {}))
  expect(status, text).toBe(200)
  await platform.ripen(model, 1_200, start + 20 * 86_400_000)
  await platform.heard(versionApproved, model)
  return (await platform.call('registry', 'GET', `/v1/versions/default/${model}/1`)).body
}
const reproduced = async (model: string) => {
  const { body, status } = await platform.call('dispatcher', 'POST', '/v1/reproductions', { model, version: '1' })
  expect(status).toBe(202)
  return eventually(
    async () => {
      const found = (await platform.call('dispatcher', 'GET', `/v1/reproductions/${body.reproduction}`)).body
      expect(found.endedAt).not.toBeNull()
      return found
    },
    { timeout: 60_000 },
  )
}
const own = '{trainer: {command: [node, train.mjs]}, code: abc1234, rows: {min: 300}, run: {retries: 0}}'

it.each(['gbdt', 'linear'])('makes a version of %s again, bit for bit, and rolls nothing out', async (trainer) => {
  const version = await trained(`again-${trainer}`, `{trainer: ${trainer}, params: {}, rows: {min: 300, history: all}}`)
  expect(version.record).toMatchObject({ trainer, seed: 1, refit: true, environment: { node: process.version } })
  const found = await reproduced(`again-${trainer}`)
  expect(found).toMatchObject({ state: 'done', failure: null, result: { same: 'bits', differences: [], predictions: null } })
  expect(found.result.modelSha256).toEqual({ recorded: version.modelSha256, now: version.modelSha256 })
  expect(platform.about(versionRegistered, `again-${trainer}`)).toHaveLength(1)
  expect((await platform.call('registry', 'GET', `/v1/versions/default/again-${trainer}`)).body).toHaveLength(1)
  await eventually(() =>
    expect(readdirSync(join(platform.home, 'dispatcher', 'runs')).filter((name) => name.startsWith('p-'))).toEqual([]),
  )
})

it('lays the recorded commit out with what was not committed, whatever the folder holds by now', async () => {
  trees(12)
  const { record } = await trained('own', own)
  expect(record).toMatchObject({ trainer: 'command', commit: git('rev-parse', 'HEAD') })
  expect(record.diffSha256).toMatch(/^[0-9a-f]{64}$/)
  expect(Object.keys(record.lockFiles)).toEqual(['package-lock.json'])
  trees(3)
  git('commit', '-q', '-a', '-m', 'fewer trees')
  expect((await reproduced('own')).result).toMatchObject({ same: 'bits', differences: [] })
})

it('says that a trainer does not repeat, and how far its answers lie apart', async () => {
  trees(null)
  await trained('chance', own)
  const { result } = await reproduced('chance')
  expect(result).toMatchObject({ same: 'different', predictions: { rows: 300, tolerance: 1e-5 } })
  expect(result.predictions.worst).toBeGreaterThan(1e-5)
  expect(result.why).toMatch(/not as recorded: fitted|does not repeat/)
})

it('refuses what no run has made', async () => {
  expect(await platform.call('dispatcher', 'GET', '/v1/reproductions/p-none')).toMatchObject({
    status: 404,
    body: { code: 'DISP_REPRODUCTION_NOT_FOUND' },
  })
  const { body } = await platform.call('dispatcher', 'POST', '/v1/reproductions', { model: 'nobody', version: '7' })
  const found = await eventually(async () => {
    const { body: now } = await platform.call('dispatcher', 'GET', `/v1/reproductions/${body.reproduction}`)
    expect(now.endedAt).not.toBeNull()
    return now
  })
  expect(found).toMatchObject({ state: 'failed', result: null, failure: { message: expect.stringContaining('nobody') } })
  const { body: list } = await platform.call('dispatcher', 'GET', '/v1/reproductions?model=again-gbdt&version=1')
  expect(list).toMatchObject([{ state: 'done' }])
})
