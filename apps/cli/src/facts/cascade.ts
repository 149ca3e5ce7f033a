import { type Fact, nameOf } from './log.ts'

/** A fact and what followed from it. */
export interface Branch {
  fact: Fact
  /** How many facts of this kind it stands for: steps of progress are told once. */
  count: number
  followed: Branch[]
}

/** What led to a version. */
export interface Explanation {
  /** The fact that asks for the version: it was registered, or refused before it had a number. */
  about: Fact
  /** The facts that the training was asked for by, each with what led to it, the nearest first. */
  causes: { trigger: string; summary: string | undefined; chain: Fact[] }[]
  /** The cascade, from its first fact. */
  cascade: Branch
}

type Data = Record<string, unknown>

const dataOf = ({ event }: Fact): Data => (event.data ?? {}) as Data

/** The fact that a version, or the run that should have become one, goes back to. */
export function factOfVersion(facts: readonly Fact[], subject: string, version: string): Fact | undefined {
  const ofModel = facts.filter(({ event }) => event.subject === subject)
  const named = (name: string) =>
    ofModel.find(
      (fact) => nameOf(fact.event) === name && (dataOf(fact)['version'] === version || dataOf(fact)['run'] === version),
    )
  return named('version.registered') ?? named('version.approved') ?? named('version.rejected') ?? named('training.requested')
}

/** From a fact back to the first one, the nearest first. */
export function chainOf(byId: ReadonlyMap<string, Fact>, from: Fact): Fact[] {
  const chain = [from]
  const seen = new Set([from.event.id])
  for (let cause = from.event.causationid; cause !== undefined && !seen.has(cause);) {
    const fact = byId.get(cause)
    if (!fact) break
    chain.push(fact)
    seen.add(cause)
    cause = fact.event.causationid
  }
  return chain
}

/** Facts that only say how far something is: the last of each cause tells it. */
const progress = new Set(['training.progressed'])

function branchOf(fact: Fact, effects: ReadonlyMap<string, readonly Fact[]>, seen: Set<string>): Branch {
  const followed: Branch[] = []
  for (const effect of effects.get(fact.event.id) ?? []) {
    if (seen.has(effect.event.id)) continue
    seen.add(effect.event.id)
    const last = followed.at(-1)
    if (last && progress.has(nameOf(effect.event)) && last.fact.event.type === effect.event.type) {
      followed[followed.length - 1] = { ...branchOf(effect, effects, seen), count: last.count + 1 }
    } else followed.push(branchOf(effect, effects, seen))
  }
  return { fact, count: 1, followed }
}

function causesOf(root: Fact, byId: ReadonlyMap<string, Fact>): Explanation['causes'] {
  const causes = (dataOf(root)['causes'] ?? []) as { id: string; trigger: string; summary?: string }[]
  return causes.map(({ id, trigger, summary }) => {
    const fact = byId.get(id)
    return { trigger, summary, chain: fact ? chainOf(byId, fact) : [] }
  })
}

/**
 * Why there is a version: the causes of its training and everything that followed.
 *
 * @param facts the log, the oldest first
 * @returns undefined when the log knows no such version
 */
export function explain(facts: readonly Fact[], subject: string, version: string): Explanation | undefined {
  const about = factOfVersion(facts, subject, version)
  if (!about) return undefined
  const byId = new Map(facts.map((fact) => [fact.event.id, fact]))
  const effects = Map.groupBy(
    facts.filter(({ event }) => event.causationid !== undefined),
    ({ event }) => event.causationid!,
  )
  const back = chainOf(byId, about)
  const root = back.findLast(({ event }) => nameOf(event) === 'training.requested') ?? back.at(-1)!
  return { about, causes: causesOf(root, byId), cascade: branchOf(root, effects, new Set([root.event.id])) }
}
