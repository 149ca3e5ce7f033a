import { type Resource } from '@cascata/resources'
import { qualified } from '../feature-views/view.ts'
import { type StoredView } from '../feature-views/views.store.ts'
import { type Alike, decideAlike, plannedFeatures } from './decide-planned.ts'
import { type Similarity } from './decide-similar.ts'
import { type Feature } from './features.ts'
import { type LookInto } from './look-into.ts'

/** Looking into values begins no more after this, in ms: who plans waits for it. */
const lookingTime = 8_000

/** What is like something else in documents that are planned. */
export interface PlannedSimilar {
  readonly alike: readonly Alike[]
  /** Features of the documents whose view has rows already, and how many of them were looked into in the time that there is. */
  readonly values: { readonly features: number; readonly looked: number }
}

/** Compares the features of documents with all others by definition, and by values where their view has rows. */
export async function plannedSimilar(
  documents: readonly Resource[],
  described: readonly { readonly stored: StoredView; readonly features: readonly Feature[] }[],
  lookInto: LookInto,
): Promise<PlannedSimilar> {
  const planned = plannedFeatures(
    documents,
    described.flatMap(({ features }) => features),
  )
  const views = described.map(({ stored }) => stored)
  const byName = new Map(views.map((stored) => [qualified(stored.view), stored]))
  const wanted = new Map([...planned.of.values()].flat().map((feature) => [feature.id, feature]))
  const withRows = [...wanted.values()].flatMap((feature) => {
    const stored = byName.get(`${feature.namespace}/${feature.view}`)
    const field = stored?.view.windows ? undefined : stored?.view.served.find(({ name }) => name === feature.name)
    return stored && field ? [{ feature, stored, field }] : []
  })
  const near = new Map<string, readonly Similarity[]>()
  const until = performance.now() + lookingTime
  for (const { feature, stored, field } of withRows) {
    if (performance.now() > until) break
    const insight = await lookInto(stored, field, views)
    if (insight.state === 'measured') near.set(feature.id, insight.near)
  }
  return { alike: decideAlike(planned, near), values: { features: withRows.length, looked: near.size } }
}
