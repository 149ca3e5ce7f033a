import { connectKafka, readLog, silent } from '@cascata/messaging'
import { decode } from '@cascata/events'

/** A fact as the log tells it. */
export interface Told {
  id: string
  name: string
  time: string
  cascade: string
  cause?: string | undefined
  // What a fact says differs from name to name; outsiders rely on the fields that docs/events.md lists.
  data: Record<string, unknown>
}

/**
 * Follows `cascata.facts`, the log of everything that happens, and keeps what is about one namespace.
 * Of what repeats by the thousand (rows, labels, progress) only the newest is kept.
 */
export function followFacts(brokers: string, namespace: string, onFact: (fact: Told) => void) {
  const frequent = new Set(['rows.ingested', 'rows.rejected', 'labels.ripened', 'training.progressed'])
  const stopping = new AbortController()
  const facts: Told[] = []
  const newest = new Map<string, Told>()
  const kafka = connectKafka({ brokers: brokers.split(','), clientId: 'demo-reader' }, silent)
  const reading = readLog({
    kafka,
    topic: 'cascata.facts',
    from: 'beginning',
    follow: true,
    signal: stopping.signal,
    onRecord(record) {
      if (record.value === null) return
      const { id, type, time, namespace: of, correlationid, causationid, data } = decode(record)
      if (of !== namespace) return
      const fact: Told = {
        id,
        name: type.replace(/^cascata\.|\.v\d+$/g, ''),
        time,
        cascade: correlationid,
        cause: causationid,
        data: data as Told['data'],
      }
      if (frequent.has(fact.name)) newest.set(fact.name, fact)
      else facts.push(fact)
      onFact(fact)
    },
  })

  const endings = new Set(['version.approved', 'version.rejected', 'training.failed', 'dataset.failed'])
  const isAtWork = () => {
    const ended = new Set(facts.filter(({ name }) => endings.has(name)).map(({ data }) => data['run']))
    return facts.some(({ name, data }) => name === 'training.requested' && !ended.has(data['run']))
  }

  return {
    facts,
    /** Whether a run is between its request and its verdict. */
    isAtWork,
    newest: (name: string) => newest.get(name),
    /** The facts of a name, in order; `where` narrows them by their data. */
    of: (name: string, where: Record<string, unknown> = {}) =>
      facts.filter((fact) => fact.name === name && Object.entries(where).every(([field, value]) => fact.data[field] === value)),
    async stop() {
      stopping.abort()
      await reading
    },
  }
}
export type Cascades = ReturnType<typeof followFacts>
