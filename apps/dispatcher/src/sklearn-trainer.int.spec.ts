import { trainingProgressed, versionApproved } from '@cascata/events'
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startPlatform, yamlOf } from './platform-for-test.ts'

const root = resolve(import.meta.dirname, '../../..')
const template = join(root, 'examples/trainers/sklearn')

/** The template's packages, installed once a state of its requirements into the cache of the platform's home. */
function pythonOf(): string {
  const requirements = join(template, 'requirements.txt')
  const hash = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12)
  const folder = join(resolve(root, process.env.CASCATA_HOME ?? '.cascata'), 'cache', `sklearn-${hash}`)
  const ready = join(folder, 'ready')
  if (!existsSync(ready)) {
    process.stdout.write(`Installing scikit-learn, skl2onnx and the MLflow client into ${folder}: once, some 300 MB.\n`)
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    execFileSync('python3', ['-m', 'venv', folder], { stdio: 'pipe' })
    execFileSync(join(folder, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', '-r', requirements], {
      stdio: 'pipe',
    })
    writeFileSync(ready, '')
  }
  return join(folder, 'bin/python')
}

const hasPython = spawnSync('python3', ['-c', 'import venv, ensurepip'], { stdio: 'ignore' }).status === 0
if (!hasPython) process.stdout.write('python3 with venv is not on this machine: the trainer in Python is not tried.\n')

let platform: Awaited<ReturnType<typeof startPlatform>>
let python: string
beforeAll(async () => {
  if (!hasPython) return
  python = pythonOf()
  platform = await startPlatform({ DISPATCHER_TRAINERS: root })
}, 600_000)
afterAll(() => platform?.stop())

it.skipIf(!hasPython)(
  'a trainer in Python makes a version: scikit-learn to ONNX, logged with the MLflow client',
  { timeout: 400_000 },
  async () => {
    const start = Date.parse('2001-01-01T00:00:00Z')
    platform.rows('python', { rows: 1_500, from: start, days: 20, noise: 0.2 })
    const train = `{trainer: {command: ["${python}", "examples/trainers/sklearn/train.py"]}, code: abc1234, rows: {min: 300}, params: {n_estimators: 30}, run: {retries: 0}}`
    await platform.call('registry', 'PUT', '/v1/resources', yamlOf('python', { train }))
    await platform.ripen('python', 1_500, start + 20 * 86_400_000)
    const approved = await platform.heard(versionApproved, 'python', 1, 300_000)
    expect(approved).toMatchObject({ version: '1', comparison: 'first' })
    const run = await platform.run(approved.run!)
    expect(run.evidence.find(({ gate }: { gate: string }) => gate === 'golden rows')).toMatchObject({
      passed: true,
      note: '100 rows',
    })
    const logged = (await platform.call('registry', 'GET', `/api/2.0/mlflow/runs/get?run_id=${run.mlflow.run}`)).body.run
    const keys = logged.data.metrics.map(({ key }: { key: string }) => key)
    expect(keys).toEqual(expect.arrayContaining(['logLoss', 'refit.logLoss', 'holdout.auc']))
    expect(logged.data.tags).toContainEqual({ key: 'cascata.trainer', value: 'sklearn' })
    const files = (
      await platform.call('registry', 'GET', `/api/2.0/mlflow/artifacts/list?run_id=${run.mlflow.run}&path=candidate`)
    ).body.files
    expect(files.map(({ path }: { path: string }) => path)).toEqual(['candidate/model.onnx'])
    expect(platform.about(trainingProgressed, 'python').length).toBeGreaterThan(0)
  },
)
