import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startForTest } from '../start-for-test.ts'
import { pythonWithMlflow } from './python-for-test.ts'

const run = promisify(execFile)
const page = join(import.meta.dirname, '../../../../docs/track-experiments.md')

let registry: Awaited<ReturnType<typeof startForTest>>
beforeAll(async () => {
  registry = await startForTest()
}, 300_000)
afterAll(() => registry?.stop())

it('docs/track-experiments.md does what it says', { timeout: 600_000 }, async () => {
  const python = await pythonWithMlflow()
  const examples = [...(await readFile(page, 'utf8')).matchAll(/^```python\n(.*?)^```$/gms)].map(([, code]) => code!)
  expect(examples).toHaveLength(3)
  const said: string[] = []
  for (const code of examples) {
    const { stdout } = await run(python, ['-c', code.replaceAll('http://127.0.0.1:5000', registry.url)], {
      env: { PATH: process.env['PATH'], HOME: registry.home, GIT_PYTHON_REFRESH: 'quiet', MLFLOW_DISABLE_TELEMETRY: 'true' },
      timeout: 300_000,
    })
    said.push(stdout)
  }
  expect(said[1]).toContain('[0 0 1 1]')
  expect(said[2]).toContain("['a-fit']")
  const found = await registry.call('POST', '/api/2.0/mlflow/runs/search', {
    experiment_ids: ['1'],
    filter: 'metrics.accuracy = 0.93',
  })
  expect(found.body.runs).toHaveLength(1)
})
