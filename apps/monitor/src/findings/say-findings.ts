import { randomUUID } from 'node:crypto'
import { findingClosed, findingOpened } from '@cascata/events'
import { type Database, type Fact, fact } from '@cascata/messaging'
import { type Clock } from '@cascata/service'
import { lockModel, type WatchedModel } from '../models/models.store.ts'
import { decideFindings, type FindingChanges, type Judged } from './decide-findings.ts'
import { type FindingData, keepClosed, keepOpened, openFindings } from './findings.store.ts'

const iso = (at: number) => new Date(at).toISOString()

const openedOf = (
  watched: WatchedModel,
  revision: number,
  { version, type, judgement }: FindingChanges['open'][number],
): FindingData => ({
  namespace: watched.namespace,
  model: watched.name,
  revision,
  finding: `f-${randomUUID()}`,
  episode: `e-${randomUUID()}`,
  type,
  version,
  measure: judgement.measure,
  size: judgement.size,
  threshold: judgement.threshold,
  windows: judgement.windows.map(({ from, to, rows }) => ({ from: iso(from), to: iso(to), rows })),
  features: judgement.features.map((feature) => ({ ...feature })),
  evidence: { ...judgement.evidence },
})

/** Findings that rest on labels follow from the event that said the labels are ripe; the others begin cascades of their own. */
const restOnLabels = new Set(['performance', 'fairness', 'skew', 'stale'])

/**
 * Opens and closes the findings of a model as judged: the rows and the facts in one transaction, under the model's lock, so that two replicas
 * never open one twice. Answers how many were opened and closed.
 */
export const sayFindings =
  ({ db, clock }: { db: Database; clock: Clock }) =>
  (
    name: { namespace: string; name: string },
    revision: number,
    judged: readonly Judged[],
  ): Promise<{ opened: number; closed: number }> =>
    db.transaction(async (tx) => {
      const watched = await lockModel(tx, name)
      const now = iso(clock.now())
      const open = await openFindings(tx, watched.namespace, watched.name)
      const serving = [watched.champion, watched.candidate].filter((version) => version !== null)
      const changes = decideFindings(open, judged, serving)
      const facts: { fact: Fact; type: string }[] = []
      for (const change of changes.open) {
        const data = openedOf(watched, revision, change)
        await keepOpened(tx, 'monitor', data, now)
        facts.push({ fact: fact(findingOpened, data) as Fact, type: data.type })
      }
      for (const { finding, reason, size } of changes.close) {
        const { evidence: _, ...data } = open.find((each) => each.finding === finding)!.data
        await keepClosed(tx, { finding, reason }, now)
        facts.push({ fact: fact(findingClosed, { ...data, revision, size: size ?? data.size, reason }) as Fact, type: data.type })
      }
      for (const { fact: said, type } of facts) {
        const causedBy = restOnLabels.has(type) ? (watched.cutoffCause ?? undefined) : undefined
        await tx.publish(said, { causedBy })
      }
      return { opened: changes.open.length, closed: changes.close.length }
    })
