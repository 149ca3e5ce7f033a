import { measuredIn } from '../evidence/evidence.ts'
import { type VersionFacts } from '../evidence/version-facts.ts'
import { roleIn } from '../lineage/graph.ts'
import { type Block, type Document } from './document.ts'

/** A value for people: numbers to four digits, nothing as a dash. */
const shown = (value: unknown): string => {
  if (value === null || value === undefined || value === '') return '–'
  if (typeof value === 'number')
    return Number.isInteger(value) ? value.toLocaleString('en-US') : String(Number(value.toPrecision(4)))
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const range = (interval: readonly (number | null)[] | null | undefined): string =>
  interval ? `${shown(interval[0])} to ${shown(interval[1])}` : '–'

const table = (head: readonly string[], rows: readonly (readonly unknown[])[]): Block[] =>
  rows.length === 0 ? [] : [{ is: 'table', head, rows: rows.map((row) => row.map(shown)) }]

/** A heading with what is under it; nothing when there is nothing. */
const section = (text: string, ...blocks: readonly Block[]): Block[] =>
  blocks.length === 0 ? [] : [{ is: 'heading', text }, ...blocks]

const overview = ({ version, model, route }: VersionFacts): Block[] =>
  table(
    ['', ''],
    [
      ['Model', `${version.namespace}/${version.model}`],
      ['Version', version.version],
      ['Owner', model?.metadata.owner],
      ['State', version.state],
      ['Serves as', roleIn(route ?? undefined, version.version) ?? 'not at present'],
      ['Registered', version.registeredAt],
      ['Model file', version.modelSha256 ?? version.purged?.modelSha256],
    ],
  )

const purpose = ({ model }: VersionFacts): Block[] => {
  if (!model) return [{ is: 'text', text: 'No Model of this name was applied when the version was made.' }]
  const { task, observations, label, onMissing } = model.spec
  return [
    ...(model.metadata.description ? [{ is: 'text', text: model.metadata.description } as const] : []),
    ...table(
      ['', ''],
      [
        ['Task', task],
        ['Predicts', label.field],
        ['For each', `row of ${observations.view}`],
        ['When a feature is missing', onMissing],
      ],
    ),
  ]
}

const data = ({ version, dataset }: VersionFacts): Block[] => [
  ...table(
    ['', ''],
    [
      ['Dataset', version.dataset],
      ['Hash', version.datasetHash],
      ['Rows', dataset?.rows],
      ['Observations up to', version.cutoff],
    ].filter(([, value]) => value !== null && value !== undefined),
  ),
  ...table(
    ['part', 'rows', 'from', 'to'],
    Object.entries(dataset?.split ?? {})
      .toSorted(([, one], [, other]) => String(one.from).localeCompare(String(other.from)))
      .map(([part, { rows, from, to }]) => [part, rows, from, to]),
  ),
  ...table(
    ['topic', 'partition', 'up to offset'],
    (dataset?.snapshot ?? []).map(({ topic, partition, to }) => [topic, partition, to]),
  ),
]

interface Profiled {
  kind?: string
  rows?: number
  min?: number | null
  max?: number | null
  mean?: number | null
  histogram?: { missing?: number }
}

const profile = ({ dataset }: VersionFacts): Block[] => {
  const columns = (dataset?.profile?.['columns'] ?? dataset?.profile ?? {}) as Record<string, Profiled>
  const rows = Object.entries(columns)
    .filter(([, column]) => typeof column === 'object' && column !== null)
    .map(([name, { kind, rows: count, min, max, mean, histogram }]) => [name, kind, count, histogram?.missing, min, mean, max])
  return table(['column', 'kind', 'rows', 'missing', 'least', 'mean', 'greatest'], rows)
}

const metrics = ({ evidence, model }: VersionFacts): Block[] => {
  const found = measuredIn(evidence)
  if (!found) return [{ is: 'text', text: 'Nothing was measured by the platform.' }]
  const { metric, overBaseline, latencyMs } = found
  const gate = model?.spec.gates.metric ?? 'metric of the gates'
  return table(
    ['measure on the withheld holdout', 'value', 'interval'],
    [
      ...(metric ? [[gate, metric.value, range(metric.interval)]] : []),
      ...(overBaseline ? [['better than always the same answer by', overBaseline.value, range(overBaseline.interval)]] : []),
      ...Object.entries(found.metrics)
        .filter(([name]) => name !== gate)
        .map(([name, value]) => [name, value, null]),
      ...(latencyMs ? [['latency of a row, p99 (ms)', latencyMs.p99, null]] : []),
    ],
  )
}

const gates = ({ evidence }: VersionFacts): Block[] =>
  table(
    ['gate', 'passed', 'value', 'interval', 'bound', 'rows'],
    (evidence?.gates ?? []).map(({ gate, passed, value, interval, bound, rows }) => [
      gate,
      passed ? 'yes' : 'no',
      value,
      range(interval),
      bound,
      rows,
    ]),
  )

const fairness = ({ evidence }: VersionFacts): Block[] => {
  const rows = measuredIn(evidence)?.fairness ?? []
  if (rows.length === 0) return [{ is: 'text', text: 'Not measured: the Model names no groups under gates.fairness.' }]
  return table(
    ['groups by', 'largest difference', 'groups'],
    rows.map(({ by, value, groups }) => [by, value, groups]),
  )
}

const importance = ({ evidence }: VersionFacts): Block[] =>
  table(
    ['feature', 'drop of the metric when shuffled'],
    (measuredIn(evidence)?.importance ?? []).slice(0, 30).map(({ feature, drop }) => [feature, drop]),
  )

const origin = ({ version, run, commit }: VersionFacts): Block[] => {
  const { record } = version
  return table(
    ['', ''],
    [
      ['Run', version.run],
      ['Asked for by', run?.trigger],
      ['Revision of the Model', version.revision],
      ['Its commit', commit],
      ['Trainer', record?.trainer],
      ['Code', record?.commit ?? version.code],
      ['Uncommitted changes', record?.diffSha256],
      ['Image', record?.image],
      ['Seed', record?.seed],
      ['Parameters', record ? JSON.stringify(record.params) : null],
      ...Object.entries(record?.lockFiles ?? {}).map(([name, sha256]) => [`Lock file ${name}`, sha256]),
      ...Object.entries(record?.environment ?? {}).map(([name, value]) => [name, value]),
    ].filter(([, value]) => value !== null && value !== undefined),
  )
}

const history = ({ version, steps }: VersionFacts): Block[] => [
  ...(version.verdict
    ? [
        {
          is: 'text',
          text: `${version.verdict.verdict} by ${version.verdict.by} at ${version.verdict.at}${version.verdict.why ? `: ${version.verdict.why}` : ''}`,
        } as const,
      ]
    : []),
  ...table(
    ['at', 'what', 'why'],
    steps.map(({ at, type, summary }) => [at, type.replace(/^cascata\.|\.v\d+$/g, ''), summary['reason']]),
  ),
]

/** A model card: what a version is for, what it was made of, how it was judged, and what became of it (after Mitchell et al. 2019). */
export const modelCard = (facts: VersionFacts): Document => ({
  title: `${facts.version.namespace}/${facts.version.model}, version ${facts.version.version}`,
  blocks: [
    ...overview(facts),
    ...section('Purpose', ...purpose(facts)),
    ...section('Data', ...data(facts)),
    ...section('Profile of the data', ...profile(facts)),
    ...section('Performance', ...metrics(facts)),
    ...section('Gates', ...gates(facts)),
    ...section('Fairness', ...fairness(facts)),
    ...section('Importance of features', ...importance(facts)),
    ...section('Made with', ...origin(facts)),
    ...section('History', ...history(facts)),
  ],
})
