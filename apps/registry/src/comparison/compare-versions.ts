import { measuredIn } from '../evidence/evidence.ts'
import { type VersionFacts } from '../evidence/version-facts.ts'

/** A value of either version by its name; `null` where one has none. */
export interface Pair {
  readonly name: string
  readonly one: unknown
  readonly other: unknown
  readonly same: boolean
}

/** A number of either version; `change` is the other less the one. */
export interface MetricPair {
  readonly name: string
  readonly one: number | null
  readonly other: number | null
  readonly change: number | null
  /** Of the gate's metric: their bootstrap intervals, and whether these have no value in common. */
  readonly intervals?: {
    readonly one: readonly (number | null)[]
    readonly other: readonly (number | null)[]
    readonly apart: boolean
  }
}

export interface Comparison {
  readonly one: string
  readonly other: string
  readonly parameters: readonly Pair[]
  readonly build: readonly Pair[]
  readonly data: readonly Pair[]
  readonly metrics: readonly MetricPair[]
  readonly features: { readonly added: readonly string[]; readonly removed: readonly string[]; readonly kept: readonly string[] }
  /** Mean drop of the metric when the feature is shuffled. */
  readonly importance: readonly MetricPair[]
  /** What speaks against reading differences of the metrics as differences of the models. */
  readonly notes: readonly string[]
}

const flat = (value: unknown, path = ''): [string, unknown][] =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.entries(value).flatMap(([key, each]) => flat(each, path === '' ? key : `${path}.${key}`))
    : [[path, value]]

/** Two objects path by path. */
const pairs = (one: unknown, other: unknown): Pair[] => {
  const [before, after] = [new Map(flat(one ?? {})), new Map(flat(other ?? {}))]
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((name) => name !== '')
    .toSorted()
    .map((name) => {
      const [a, b] = [before.get(name) ?? null, after.get(name) ?? null]
      return { name, one: a, other: b, same: JSON.stringify(a) === JSON.stringify(b) }
    })
}

const numbers = (one: Readonly<Record<string, number | null>>, other: Readonly<Record<string, number | null>>): MetricPair[] =>
  [...new Set([...Object.keys(one), ...Object.keys(other)])].map((name) => {
    const [a, b] = [one[name] ?? null, other[name] ?? null]
    return { name, one: a, other: b, change: a === null || b === null ? null : b - a }
  })

const dataOf = ({ dataset, version }: VersionFacts): object => ({
  dataset: version.dataset,
  hash: version.datasetHash,
  rows: dataset?.rows ?? null,
  cutoff: version.cutoff,
  train: dataset?.split['train'] ?? null,
  holdout: dataset?.split['holdout'] ?? null,
})

const parametersOf = ({ version, model }: VersionFacts): object => ({
  trainer: version.record?.trainer ?? null,
  seed: version.record?.seed ?? null,
  ...version.record?.params,
  ...(model ? { rows: model.spec.train.rows, refit: model.spec.train.refit } : {}),
})

const buildOf = ({ version, commit }: VersionFacts): object => {
  const { record, revision } = version
  return {
    resource: { revision, commit },
    code: record
      ? { commit: record.commit ?? null, diffSha256: record.diffSha256 ?? null, image: record.image ?? null }
      : version.code,
    lockFiles: record?.lockFiles ?? {},
    environment: record?.environment ?? {},
  }
}

const metricsOf = (one: VersionFacts, other: VersionFacts): MetricPair[] => {
  const [a, b] = [measuredIn(one.evidence), measuredIn(other.evidence)]
  const named = numbers(a?.metrics ?? {}, b?.metrics ?? {})
  const [of, ofOther] = [a?.metric, b?.metric]
  if (!of || !ofOther) return named
  const [[low, high], [otherLow, otherHigh]] = [of.interval, ofOther.interval]
  const known = low !== null && high !== null && otherLow !== null && otherHigh !== null
  const apart = known && (high < otherLow || otherHigh < low)
  const gate = one.model?.spec.gates.metric ?? 'metric of the gates'
  const pair = {
    name: gate,
    one: of.value,
    other: ofOther.value,
    intervals: { one: of.interval, other: ofOther.interval, apart },
  }
  const change = of.value === null || ofOther.value === null ? null : ofOther.value - of.value
  return [{ ...pair, change }, ...named.filter(({ name }) => name !== gate)]
}

const importanceOf = ({ evidence }: VersionFacts): Record<string, number | null> =>
  Object.fromEntries((measuredIn(evidence)?.importance ?? []).map(({ feature, drop }) => [feature, drop]))

const notesOn = (one: VersionFacts, other: VersionFacts): string[] => {
  const notes: string[] = []
  for (const { version, evidence } of [one, other])
    if (!measuredIn(evidence)) notes.push(`Nothing was measured of ${version.namespace}/${version.model}/${version.version}.`)
  const [a, b] = [one.evidence?.figures?.holdout, other.evidence?.figures?.holdout]
  if (a && b && (a.from !== b.from || a.to !== b.to || one.version.datasetHash !== other.version.datasetHash))
    notes.push('They were measured on different rows: a difference of their metrics is also one of the rows.')
  return notes
}

const inputsOf = ({ version }: VersionFacts): string[] => (version.inputs?.schema ?? []).map(({ name }) => name)
const nameOf = ({ version: { namespace, model, version } }: VersionFacts): string => `${namespace}/${model}/${version}`

/** Two versions side by side: what went in, and what came out. */
export const compareVersions = (one: VersionFacts, other: VersionFacts): Comparison => {
  const [before, after] = [inputsOf(one), inputsOf(other)]
  const importance = numbers(importanceOf(one), importanceOf(other))
  const size = ({ one: a, other: b }: MetricPair) => Math.max(Math.abs(a ?? 0), Math.abs(b ?? 0))
  return {
    one: nameOf(one),
    other: nameOf(other),
    parameters: pairs(parametersOf(one), parametersOf(other)),
    build: pairs(buildOf(one), buildOf(other)),
    data: pairs(dataOf(one), dataOf(other)),
    metrics: metricsOf(one, other),
    features: {
      added: after.filter((name) => !before.includes(name)),
      removed: before.filter((name) => !after.includes(name)),
      kept: before.filter((name) => after.includes(name)),
    },
    importance: importance.toSorted((a, b) => size(b) - size(a)),
    notes: notesOn(one, other),
  }
}
