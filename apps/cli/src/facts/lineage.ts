import { type Place } from '../names.ts'
import { type Fact, nameOf } from './log.ts'

/** Where a row went: which views hold it, which datasets could read it, what was made of them. */
export interface Lineage {
  place: Place
  /** Segments whose range holds the row, one a view. */
  segments: { view: string; segment: string | null; epoch: number; at: string; offset: number }[]
  /** Refusals that name the row. */
  rejected: { view: string; code: string; field: string | undefined; message: string | undefined; at: string }[]
  datasets: {
    dataset: string
    model: string
    run: string
    rows: number
    cutoff: string
    at: string
    version: string | undefined
    verdict: 'approved' | 'rejected' | undefined
    /** The last fact of the version's rollout. */
    rollout: { state: string; at: string } | undefined
  }[]
}

type Data = Record<string, any> // eslint-disable-line @typescript-eslint/no-explicit-any -- read from the log as it is

const named = (facts: readonly Fact[], name: string): { data: Data; fact: Fact }[] =>
  facts.filter(({ event }) => nameOf(event) === name).map((fact) => ({ fact, data: fact.event.data as Data }))

function segmentsOf(facts: readonly Fact[], { topic, partition, offset }: Place): Lineage['segments'] {
  return named(facts, 'rows.ingested').flatMap(({ data, fact }) => {
    const range = (data['ranges'] as Data[]).find(
      (each) => each['topic'] === topic && each['partition'] === partition && each['from'] <= offset && offset < each['to'],
    )
    return range
      ? [
          {
            view: fact.event.subject,
            segment: data['segment'] as string | null,
            epoch: range['epoch'] as number,
            at: fact.event.time,
            offset: fact.offset,
          },
        ]
      : []
  })
}

function rejectionsOf(facts: readonly Fact[], { topic, partition, offset }: Place): Lineage['rejected'] {
  return named(facts, 'rows.rejected')
    .filter(({ data }) => data['topic'] === topic && data['partition'] === partition)
    .flatMap(({ data, fact }) =>
      (data['sample'] as Data[])
        .filter((each) => each['offset'] === offset)
        .map((each) => ({
          view: fact.event.subject,
          code: each['code'] as string,
          field: each['field'] as string | undefined,
          message: each['message'] as string | undefined,
          at: fact.event.time,
        })),
    )
}

const endOfRollout = (facts: readonly Fact[], subject: string, version: string): { state: string; at: string } | undefined => {
  const last = facts.findLast(
    ({ event }) =>
      event.subject === subject && nameOf(event).startsWith('rollout.') && (event.data as Data)['version'] === version,
  )
  return last && { state: nameOf(last.event).slice('rollout.'.length), at: last.event.time }
}

function madeOf(facts: readonly Fact[], { data, fact }: { data: Data; fact: Fact }): Lineage['datasets'][number] {
  const { subject } = fact.event
  const ofRun = (name: string) =>
    named(facts, name).find((each) => each.fact.event.subject === subject && each.data['run'] === data['run'])
  const version = ofRun('version.registered')?.data['version'] as string | undefined
  return {
    dataset: data['dataset'],
    model: subject,
    run: data['run'],
    rows: data['rows'],
    cutoff: data['cutoff'],
    at: fact.event.time,
    version,
    verdict: ofRun('version.approved') ? 'approved' : ofRun('version.rejected') ? 'rejected' : undefined,
    rollout: version === undefined ? undefined : endOfRollout(facts, subject, version),
  }
}

/**
 * Follows a row by the log: into segments, on into datasets whose snapshot covers it, and what was made of those.
 *
 * A snapshot says which rows existed, so a dataset listed here could read the row; whether the row is among the answers
 * depends on what else was known about its entity.
 */
export function lineageOf(facts: readonly Fact[], place: Place): Lineage {
  const segments = segmentsOf(facts, place)
  const covers = (data: Data) =>
    (data['snapshot'] as Data[]).some(
      (each) =>
        each['topic'] === place.topic &&
        each['partition'] === place.partition &&
        segments.some(({ view, epoch }) => view === `${data['namespace']}/${each['view']}` && epoch === each['epoch']) &&
        each['to'] > place.offset,
    )
  return {
    place,
    segments,
    rejected: rejectionsOf(facts, place),
    datasets: named(facts, 'dataset.built')
      .filter(({ data }) => covers(data))
      .map((built) => madeOf(facts, built)),
  }
}
