import { type Change, notYet } from '@cascata/resources'
import { type Context } from '../context.ts'
import { type Similar, told } from '../output/feature.ts'
import { harmless } from '../output/table.ts'
import { showTime } from '../output/words.ts'
import { type Origin } from './drift.ts'

interface Named {
  kind: string
  namespace: string
  name: string
}

/** What stands in the platform, and why it did not come out of the history of the files. */
interface Standing<Applied> {
  applied: Applied
  drift: string | null
}

/** One document of a plan. */
export interface Planned extends Named, Standing<Origin | null> {
  revision: number
  action: 'created' | 'changed' | 'unchanged'
  changes: Change[]
  affects: string[]
}

/** A resource that the files leave out of their namespaces. */
export interface Unnamed extends Named, Standing<Origin> {
  /** Why it may not go. */
  inUse: string[]
}

/** Features of the documents that are like others; `looked` of those with rows were compared by values. */
export interface PlannedSimilar {
  alike: (Named & { feature: string; similar: Similar[] })[]
  values: { features: number; looked: number }
}

/** A plan with all that people want to know of it. */
export interface ShownPlan {
  changed: boolean
  documents: Planned[]
  unnamed: Unnamed[]
  /** What asks for a training, what is built anew in the background, and what may not go, as `namespace/name`. */
  retrains: string[]
  rebuilds: string[]
  refused: string[]
  /** What the documents have a place for, is off, and stays off: nobody should wait for it. */
  notYet: string[]
  similar: PlannedSimilar | { unknown: string }
}

const qualified = ({ namespace, name }: Named): string => `${namespace}/${name}`
const full = (each: Named): string => `${each.kind} ${qualified(each)}`

/** Adds to the answer of the registry what follows from it. */
export function summarise(
  answer: Pick<ShownPlan, 'changed' | 'documents' | 'unnamed'>,
  prune: boolean,
): Omit<ShownPlan, 'similar'> {
  const bringing = (effect: Change['effect']) =>
    answer.documents.filter(({ changes }) => changes.some((change) => change.effect === effect)).map(qualified)
  const kinds = new Set(answer.documents.map(({ kind }) => kind))
  return {
    ...answer,
    retrains: bringing('retrain'),
    rebuilds: bringing('rebuild'),
    refused: prune ? answer.unnamed.filter(({ inUse }) => inUse.length > 0).map(full) : [],
    notYet: [...new Set(notYet.filter(({ kind }) => kinds.has(kind)).map(({ what }) => what))],
  }
}

const signs = { created: '+', changed: '~', unchanged: '=' } as const

const short = (value: unknown): string => {
  const text = value === undefined ? '(not there)' : JSON.stringify(value)
  return harmless(text.length > 60 ? `${text.slice(0, 57)}…` : text)
}

function origin({ paint }: Context, { applied, drift }: Standing<Origin | null>): string[] {
  if (!applied) return []
  const from = applied.commit === null ? '' : ` of commit ${applied.commit.slice(0, 12)}`
  const stands = `    the platform has revision ${applied.revision}${from}, by ${applied.by} at ${showTime(applied.at)}`
  return [paint.dim(harmless(stands)), ...(drift === null ? [] : [paint.red(`    changed by other means: ${harmless(drift)}`)])]
}

function showDocument(context: Context, planned: Planned): string {
  const { paint } = context
  const { action, revision, changes, affects } = planned
  const tint = { created: paint.green, changed: paint.yellow, unchanged: paint.dim }[action]
  const lines = changes.map(
    ({ path, from, to, effect, why }) =>
      `    ${path}: ${short(from)} → ${short(to)}\n      ${effect === 'retrain' ? paint.yellow(effect) : paint.dim(effect)} ${paint.dim(why)}`,
  )
  return [
    tint(`${signs[action]} ${full(planned)}  ${action}${action === 'unchanged' ? '' : `, revision ${revision}`}`),
    ...(action === 'changed' ? origin(context, planned) : []),
    ...lines,
    ...(affects.length > 0 ? [`    read by ${affects.join(', ')}`] : []),
  ].join('\n')
}

function showUnnamed(context: Context, unnamed: Unnamed): string {
  const { paint } = context
  const head = `- ${full(unnamed)}  `
  return [
    paint.red(unnamed.inUse.length > 0 ? `${head}cannot be deleted` : `${head}deleted`),
    ...origin(context, unnamed),
    ...unnamed.inUse.map((why) => `    ${harmless(why)}`),
  ].join('\n')
}

function showSimilar({ paint }: Context, similar: ShownPlan['similar']): string[] {
  if ('unknown' in similar) return [paint.dim(`similar features were not looked for: ${harmless(similar.unknown)}`)]
  const { alike, values } = similar
  const lines = alike.map(
    ({ kind, feature, similar: others }) =>
      `  ${feature} ${kind === 'Model' ? 'is read beside' : 'is like'} ${others.map(told).join(', ')}`,
  )
  const late = values.features - values.looked
  return [
    ...(alike.length > 0 ? [paint.yellow('similar features, which may be one:'), ...lines.map(harmless)] : []),
    ...(late > 0 ? [paint.dim(`the values of ${late} of ${values.features} features were not compared: it takes too long`)] : []),
  ]
}

/** A plan for people: each document, then what it all comes to. */
export function showPlan(context: Context, plan: ShownPlan, prune: boolean): string {
  const counts = Object.entries(Object.groupBy(plan.documents, ({ action }) => action)).map(
    ([action, all]) => `${all.length} ${action}`,
  )
  const named = (what: string, names: string[]) => (names.length > 0 ? [`${what}: ${names.join(', ')}`] : [])
  return [
    ...plan.documents.map((each) => showDocument(context, each)),
    ...(prune ? plan.unnamed.map((each) => showUnnamed(context, each)) : []),
    '',
    [...counts, ...(prune && plan.unnamed.length > 0 ? [`${plan.unnamed.length} in no file`] : [])].join(', '),
    ...named('retrained', plan.retrains),
    ...named('rebuilt', plan.rebuilds),
    ...named('refused, as it is in use', plan.refused),
    ...(prune ? [] : named('in no file, left alone without --prune', plan.unnamed.map(full))),
    ...showSimilar(context, plan.similar),
    context.paint.dim(`off, as not supported yet: ${plan.notYet.join('; ')}`),
  ].join('\n')
}
