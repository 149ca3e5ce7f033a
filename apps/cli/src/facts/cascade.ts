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

/** Facts that only say how far something is: the last of each cause tells it. */
const progress = new Set(['training.progressed'])

/** What facts have in common when they are about the same run or the same version. */
const sharesWork = (one: Fact, other: Fact): boolean =>
  ['run', 'version'].some(
    (name) => dataOf(one)[name] !== undefined && dataOf(one)[name] !== null && dataOf(one)[name] === dataOf(other)[name],
  )

/**
 * The fact that each fact follows from: its cause, where the log has it. A cause on another topic (a route) is not there,
 * and some name the cascade alone: then it is the last fact of that cascade about the same run or version.
 */
function parentsOf(facts: readonly Fact[]): Map<string, Fact> {
  const byId = new Map(facts.map((fact) => [fact.event.id, fact]))
  const cascades = new Map<string, Fact[]>()
  const parents = new Map<string, Fact>()
  for (const fact of facts) {
    const { id, causationid, correlationid } = fact.event
    const before = cascades.get(correlationid) ?? []
    const known = causationid === undefined ? undefined : byId.get(causationid)
    const parent = known ?? before.findLast((each) => !progress.has(nameOf(each.event)) && sharesWork(each, fact)) ?? before[0]
    if (parent && parent !== fact) parents.set(id, parent)
    before.push(fact)
    cascades.set(correlationid, before)
  }
  return parents
}

/** From a fact back to the first one, the nearest first. */
export function chainOf(parents: ReadonlyMap<string, Fact>, from: Fact): Fact[] {
  const chain = [from]
  const seen = new Set([from.event.id])
  for (let fact = parents.get(from.event.id); fact && !seen.has(fact.event.id); fact = parents.get(fact.event.id)) {
    chain.push(fact)
    seen.add(fact.event.id)
  }
  return chain
}

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

function causesOf(root: Fact, facts: readonly Fact[], parents: ReadonlyMap<string, Fact>): Explanation['causes'] {
  const causes = (dataOf(root)['causes'] ?? []) as { id: string; trigger: string; summary?: string }[]
  return causes.map(({ id, trigger, summary }) => {
    const fact = facts.find(({ event }) => event.id === id)
    return { trigger, summary, chain: fact ? chainOf(parents, fact) : [] }
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
  const parents = parentsOf(facts)
  const effects = Map.groupBy(
    facts.filter(({ event }) => parents.has(event.id)),
    ({ event }) => parents.get(event.id)!.event.id,
  )
  const back = chainOf(parents, about)
  const root = back.findLast(({ event }) => nameOf(event) === 'training.requested') ?? back.at(-1)!
  return { about, causes: causesOf(root, facts, parents), cascade: branchOf(root, effects, new Set([root.event.id])) }
}
