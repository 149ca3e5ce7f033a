import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { uniqueName } from '@cascata/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startForTest } from '../start-for-test.ts'
import { pythonWithMlflow } from './python-for-test.ts'

const run = promisify(execFile)
const prefix = uniqueName('client').replaceAll('_', '-')

let registry: Awaited<ReturnType<typeof startForTest>>
beforeAll(async () => {
  registry = await startForTest()
}, 300_000)
afterAll(() => registry?.stop())

it('serves the real MLflow client', { timeout: 600_000 }, async () => {
  const python = await pythonWithMlflow()
  const { stdout } = await run(python, [join(import.meta.dirname, 'client.py'), prefix], {
    env: {
      PATH: process.env['PATH'],
      MLFLOW_TRACKING_URI: registry.url,
      MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0',
      HOME: registry.home,
      GIT_PYTHON_REFRESH: 'quiet',
      MLFLOW_DISABLE_TELEMETRY: 'true',
    },
    timeout: 300_000,
    maxBuffer: 1e7,
  })
  expect(JSON.parse(stdout.trim().split('\n').at(-1)!)).toEqual({
    status: 'FINISHED',
    params: { depth: '3', rate: '0.1', trees: '100' },
    metrics: { auc: '0.75', endless: '1.7976931348623157e+308', loss: '0.25', nothing: 'nan' },
    history: [
      [0, 0.5],
      [1, 0.25],
    ],
    tag: 'ops',
    datasets: [['rows', 'training']],
    artifacts: ['a.json', 'deep', 'notes.txt'],
    deep: [['deep/down/notes.txt', 5]],
    download: 'hello',
    found: ['first'],
    ordered: ['inner', 'first'],
    bad_filter: { code: 'INVALID_PARAMETER_VALUE', message: expect.stringContaining("Invalid clause(s) in filter string: 'OR'") },
    changed_param: {
      code: 'INVALID_PARAMETER_VALUE',
      message: expect.stringContaining("Param with key='depth' was already logged with value='3'"),
    },
    models: [`${prefix}-model`],
    version: ['1', true, 'READY', '1'],
    versions: ['1'],
    version_tag: 'yes',
    loaded: [0, 0, 1, 1],
    by_alias: [0, 0, 1, 1],
    aliases: [{ champion: '1' }, ['champion']],
    by_stage: ['1'],
    autologged: ['0.5', true, 'LogisticRegression'],
    logged_models: [true],
    children: ['inner'],
    large: true,
    parts: true,
    gone: { code: 'RESOURCE_DOES_NOT_EXIST', message: expect.stringContaining('not found') },
    missing_alias: { code: 'INVALID_PARAMETER_VALUE', message: expect.stringContaining('alias champion not found') },
    missing_run: { code: 'RESOURCE_DOES_NOT_EXIST', message: expect.stringContaining('not found') },
    deleted: { code: 'INVALID_PARAMETER_VALUE', message: expect.stringContaining("must be in the 'active' state") },
  })
})
