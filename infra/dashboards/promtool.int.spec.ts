import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, it } from 'vitest'
import { testHome } from '@cascata/testing'
import { which } from '../install/system-packages.ts'
import { root } from '../paths.ts'
import { dashboards, queriesOf } from './index.ts'
import { installPrometheus } from './prometheus.ts'

const promtool = async (...args: string[]) => (await promisify(execFile)(which('promtool')!, args, { cwd: root })).stdout

beforeAll(installPrometheus)

it('has alert rules that fire when they should, and only then', async () => {
  expect(await promtool('check', 'rules', 'infra/prometheus/rules/cascata.rules.yml')).toContain('SUCCESS')
  expect(await promtool('test', 'rules', 'infra/prometheus/tests/cascata.test.yml')).toContain('SUCCESS')
})

it('has a configuration that Prometheus takes', async () => {
  expect(await promtool('check', 'config', '--syntax-only', 'infra/prometheus/prometheus.yml')).toContain('SUCCESS')
})

it('has only queries in its dashboards that Prometheus can read', async () => {
  const records = dashboards
    .flatMap((spec) => queriesOf(spec))
    .map(({ promql }, index) => ({ record: `query:${index}`, expr: promql }))
  const file = join(testHome(), 'queries.json')
  mkdirSync(testHome(), { recursive: true })
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'queries', rules: records }] }))
  expect(await promtool('check', 'rules', file)).toContain(`${records.length} rules found`)
})
