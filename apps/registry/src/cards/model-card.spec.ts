import { expect, it } from 'vitest'
import { compareVersions } from '../comparison/compare-versions.ts'
import { evidence } from '../evidence/evidence.ts'
import { type VersionFacts } from '../evidence/version-facts.ts'
import { escapeMarkdown, renderHtml, renderMarkdown } from './document.ts'
import { modelCard } from './model-card.ts'

const evil = `<script>alert(1)</script>|**x**](javascript:1) "'`
const facts = (more: { version?: object; evidence?: object; model?: object } = {}): VersionFacts =>
  ({
    version: {
      namespace: 'default',
      model: 'delay',
      version: '4',
      state: 'approved',
      revision: 3,
      dataset: 'd-1',
      datasetHash: 'aa',
      registeredAt: '2001-01-14T00:00:00.000Z',
      inputs: { hash: 'x', schema: [{ name: 'flights__carrier', type: 'string' }] },
      record: { trainer: 'gbdt', params: { trees: 40 }, seed: 1, refit: true, lockFiles: {}, environment: { node: 'v24' } },
      verdict: { verdict: 'approved', by: 'gates', why: null, at: '2001-01-14T00:00:00.000Z' },
      ...more.version,
    },
    model: {
      metadata: { owner: 'ops', description: 'Flight delays', ...more.model },
      spec: {
        task: 'binary',
        observations: { view: 'flights' },
        label: { field: 'outcomes:late' },
        onMissing: 'passNull',
        gates: { metric: 'auc' },
        train: { rows: { max: 9 }, refit: true },
      },
    },
    commit: 'abc',
    run: { trigger: 'drift' },
    dataset: {
      rows: 12,
      split: { train: { rows: 8, from: null, to: null } },
      snapshot: [{ topic: 'flights', partition: 0, to: 9 }],
      profile: null,
    },
    evidence: evidence.parse({
      gates: [{ gate: 'floor auc', passed: true, value: 0.71, bound: '>= 0.6', rows: 500 }],
      figures: {
        holdout: { rows: 500, from: 'a', to: 'b' },
        candidate: {
          is: 'measured',
          metrics: { auc: 0.71, logLoss: 0.5 },
          metric: { value: 0.71, interval: [0.7, 0.72] },
          fairness: [{ by: 'flights:carrier', value: 0.04, groups: 3, largest: {} }],
          importance: [{ feature: 'flights__carrier', drop: 0.1 }],
          ...more.evidence,
        },
      },
    }),
    steps: [{ at: new Date(0), type: 'cascata.rollout.completed.v1', summary: { reason: 'no harm' } }],
    route: null,
  }) as unknown as VersionFacts

it('tells purpose, data, performance, gates, fairness, importance, origin and history', () => {
  const text = renderMarkdown(modelCard(facts()))
  for (const words of [
    '# default/delay, version 4',
    '## Fairness',
    '| auc | 0.71 | 0.7 to 0.72 |',
    'outcomes:late',
    '| Its commit | abc |',
  ])
    expect(text).toContain(words)
  expect(text).toContain('| 1970-01-01T00:00:00.000Z | rollout.completed | no harm |')
  expect(text).toContain('flights:carrier | 0.04 | 3')
})

it('shows mark-up in names as text', () => {
  const card = modelCard(facts({ model: { owner: evil, description: evil } }))
  const [html, markdown] = [renderHtml(card), renderMarkdown(card)]
  expect(html).not.toContain('<script>')
  expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
  expect(html).not.toMatch(/ on\w+=|javascript:\w+"/)
  expect(markdown).not.toContain('<script>')
  expect(markdown).not.toMatch(/[^\\]\]\(/)
  expect(escapeMarkdown('a|b\nc')).toBe('a\\|b c')
  expect(escapeMarkdown('plans__miles of 2001-01-14, --- _x_ -1')).toBe('plans__miles of 2001-01-14, \\-\\-\\- \\_x\\_ \\-1')
})

it('tells a version that nobody measured, without a Model, as what it is', () => {
  const bare = {
    ...facts({ version: { record: null, verdict: null, inputs: null } }),
    model: null,
    evidence: null,
    dataset: null,
    run: null,
  }
  const text = renderMarkdown(modelCard(bare as unknown as VersionFacts))
  expect(text).toContain('Nothing was measured by the platform.')
  expect(text).toContain('No Model of this name was applied')
})

it('compares parameters, data, metrics with intervals, features and importance', () => {
  const other = facts({
    version: {
      version: '5',
      datasetHash: 'bb',
      inputs: { hash: 'y', schema: [{ name: 'flights__distance', type: 'double' }] },
      record: { trainer: 'gbdt', params: { trees: 60 }, seed: 1, refit: true, lockFiles: {}, environment: { node: 'v24' } },
    },
    evidence: {
      metrics: { auc: 0.75 },
      metric: { value: 0.75, interval: [0.74, 0.76] },
      importance: [{ feature: 'flights__distance', drop: 0.3 }],
    },
  })
  const found = compareVersions(facts(), other)
  expect(found.parameters.find(({ name }) => name === 'trees')).toEqual({ name: 'trees', one: 40, other: 60, same: false })
  expect(found.data.find(({ name }) => name === 'hash')).toMatchObject({ one: 'aa', other: 'bb', same: false })
  expect(found.metrics[0]).toMatchObject({ name: 'auc', intervals: { one: [0.7, 0.72], other: [0.74, 0.76], apart: true } })
  expect(found.metrics[0]!.change).toBeCloseTo(0.04)
  expect(found.metrics[1]).toEqual({ name: 'logLoss', one: 0.5, other: null, change: null })
  expect(found.features).toEqual({ added: ['flights__distance'], removed: ['flights__carrier'], kept: [] })
  expect(found.importance.map(({ name }) => name)).toEqual(['flights__distance', 'flights__carrier'])
  expect(found.notes).toEqual(['They were measured on different rows: a difference of their metrics is also one of the rows.'])
})
