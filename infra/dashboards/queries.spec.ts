import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { root } from '../paths.ts'
import { dashboards, generateDashboards, queriesOf } from './index.ts'

interface Known {
  name: string
  labels: string[]
}

/** Every metric that the code of the platform makes, asked of the code itself. */
const metricsOfCode = async (): Promise<Known[]> => {
  const registry = new Registry()
  for (const file of globSync(['apps/*/src/metrics.ts', 'libs/messaging/src/metrics.ts', 'libs/service/src/metrics.ts'], {
    cwd: root,
  })) {
    const module = (await import(join(root, file))) as Record<string, (registry: Registry) => unknown>
    for (const [name, make] of Object.entries(module)) if (typeof make === 'function' && name !== 'createRegistry') make(registry)
  }
  return registry
    .getMetricsAsArray()
    .map((metric) => ({ name: metric.name, labels: (metric as unknown as { labelNames: string[] }).labelNames }))
}

const metrics = new Map((await metricsOfCode()).map(({ name, labels }) => [name, labels]))
const always = ['app', 'job', 'instance', 'le']

const labelsIn = (promql: string): string[] => {
  const lists = [...promql.matchAll(/\b(?:by|on|without) \(([^)]*)\)/g)].flatMap(([, list]) => list!.split(','))
  const selectors = [...promql.matchAll(/\{([^}]*)\}/g)].flatMap(([, inside]) =>
    [...inside!.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label]) => label!),
  )
  return [...lists, ...selectors].map((label) => label.trim())
}

/** What a query names that no app has. */
const unknownIn = (promql: string): string[] => {
  const series = [...promql.matchAll(/\bcascata_[a-z0-9_]+/g)].map(([name]) => name)
  const base = (name: string) => (metrics.has(name) ? name : name.replace(/_(bucket|sum|count)$/, ''))
  const labels = new Set([...always, ...series.flatMap((name) => metrics.get(base(name)) ?? [])])
  return [...series.filter((name) => !metrics.has(base(name))), ...labelsIn(promql).filter((label) => !labels.has(label))]
}

const rules = (
  parse(readFileSync(join(root, 'infra/prometheus/rules/cascata.rules.yml'), 'utf8')) as {
    groups: { rules: { alert: string; expr: string }[] }[]
  }
).groups.flatMap((group) => group.rules)

it.each(dashboards.flatMap((spec) => queriesOf(spec)))('$panel asks for metrics and labels that apps have', ({ promql }) => {
  expect(unknownIn(promql)).toEqual([])
})

it.each(rules)('alert $alert asks for metrics and labels that apps have', ({ expr }) => {
  expect(unknownIn(expr)).toEqual([])
})

it('notices what no app has', () => {
  expect(unknownIn('sum by (colour) (rate(cascata_runs{state="x"}[1m])) / cascata_nothing_total')).toEqual([
    'cascata_nothing_total',
    'colour',
  ])
})

it.each(generateDashboards())('$path is committed as the code makes it', ({ path, content }) => {
  expect(readFileSync(join(root, path), 'utf8')).toBe(content)
})

it('tells what to do about every alert', () => {
  const operating = readFileSync(join(root, 'docs/operating.md'), 'utf8')
  expect(rules.map(({ alert }) => alert).filter((alert) => !new RegExp(`\\| ${alert} +\\|`).test(operating))).toEqual([])
})
