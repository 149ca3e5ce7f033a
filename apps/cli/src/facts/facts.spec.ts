import {
  catalogue,
  type CloudEvent,
  datasetBuilt,
  type EventDefinition,
  eventOf,
  labelsRipened,
  rolloutCompleted,
  rolloutStarted,
  rowsIngested,
  rowsRejected,
  trainingProgressed,
  trainingRequested,
  trainingSucceeded,
  versionApproved,
  versionRegistered,
} from '@cascata/events'
import { describe, expect, it } from 'vitest'
import { type Branch, explain } from './cascade.ts'
import { describeFact } from './describe-fact.ts'
import { lineageOf } from './lineage.ts'
import { type Fact, nameOf } from './log.ts'

let clock = Date.parse('2001-01-14T00:00:00Z')
const at = () => new Date((clock += 1000)).toISOString()
const log: Fact[] = []

const say = (definition: EventDefinition<any>, more: object, causedBy?: CloudEvent): CloudEvent => {
  const data = { ...(definition.examples[0] as object), ...more }
  const event = eventOf(definition, data, { id: `e${log.length}`, time: at(), app: 'test', causedBy })
  log.push({ offset: log.length, event })
  return event
}

const snapshot = (to: number) => [{ view: 'flights', topic: 'flights', partition: 0, epoch: 1, to }]
const ranges = (from: number, to: number, epoch = 1) => [{ topic: 'flights', partition: 0, epoch, from, to }]

const rows = say(rowsIngested, { segment: 's1', ranges: ranges(0, 100) })
say(
  rowsRejected,
  { topic: 'flights', partition: 0, count: 1, reasons: { NOT_JSON: 1 }, sample: [{ offset: 7, code: 'NOT_JSON' }] },
  rows,
)
const labels = say(labelsRipened, {}, rows)
const asked = say(trainingRequested, {
  run: 'r1',
  causes: [{ id: labels.id, type: labels.type, trigger: 'newLabels', at: labels.time, summary: '15 % more' }],
})
const built = say(datasetBuilt, { dataset: 'd1', run: 'r1', snapshot: snapshot(90) }, asked)
for (const share of [0.1, 0.5, 0.9]) say(trainingProgressed, { run: 'r1', share }, built)
const trained = say(trainingSucceeded, { run: 'r1' }, built)
const registered = say(versionRegistered, { run: 'r1', version: '4' }, trained)
const approved = say(versionApproved, { run: 'r1', version: '4' }, registered)
const started = say(rolloutStarted, { version: '4' }, approved)
say(rolloutCompleted, { version: '4' }, started)
say(rowsIngested, { segment: 's2', ranges: ranges(100, 200) })
say(rowsIngested, { segment: 's3', ranges: ranges(0, 10, 2) })

const names = ({ fact, count, followed }: Branch): unknown[] => [
  `${nameOf(fact.event)}${count > 1 ? ` ${count}` : ''}`,
  ...followed.map(names),
]

describe('why', () => {
  it('walks from the version to its causes and shows what followed', () => {
    const found = explain(log, 'default/flight-delay', '4')!
    expect(found.causes).toEqual([{ trigger: 'newLabels', summary: '15 % more', chain: [log[2], log[0]] }])
    expect(names(found.cascade)).toEqual([
      'training.requested',
      [
        'dataset.built',
        ['training.progressed 3'],
        ['training.succeeded', ['version.registered', ['version.approved', ['rollout.started', ['rollout.completed']]]]],
      ],
    ])
  })

  it('finds the place of facts that name the cascade alone, as those that came over HTTP do', () => {
    const told = log.map((fact) =>
      fact.event.id === registered.id ? { ...fact, event: { ...registered, causationid: undefined } as any } : fact,
    )
    const found = explain(told, 'default/flight-delay', '4')!
    expect(found.causes).toHaveLength(1)
    expect(names(found.cascade)).toEqual([
      'training.requested',
      [
        'dataset.built',
        ['training.progressed 3'],
        ['training.succeeded', ['version.registered', ['version.approved', ['rollout.started', ['rollout.completed']]]]],
      ],
    ])
  })

  it('knows runs, and nothing of what the log does not have', () => {
    expect(explain(log, 'default/flight-delay', 'r1')?.about.event.type).toBe(versionRegistered.type)
    expect(explain(log, 'default/flight-delay', '5')).toBeUndefined()
    expect(explain(log, 'other/flight-delay', '4')).toBeUndefined()
  })

  it('ends when facts name each other as causes', () => {
    const one = { offset: 0, event: { ...registered, id: 'a', causationid: 'b' } }
    const two = { offset: 1, event: { ...approved, id: 'b', causationid: 'a' } }
    expect(explain([one, two], 'default/flight-delay', '4')).toBeDefined()
  })
})

describe('trace', () => {
  it('goes from a row to segments, datasets, versions and rollouts', () => {
    expect(lineageOf(log, { topic: 'flights', partition: 0, offset: 42 })).toMatchObject({
      segments: [{ view: 'default/flights', segment: 's1', epoch: 1 }],
      rejected: [],
      datasets: [
        {
          dataset: 'd1',
          run: 'r1',
          model: 'default/flight-delay',
          version: '4',
          verdict: 'approved',
          rollout: { state: 'completed' },
        },
      ],
    })
  })

  it('keeps to the epoch, and to the end of the snapshot', () => {
    expect(lineageOf(log, { topic: 'flights', partition: 0, offset: 95 }).datasets).toEqual([])
    expect(lineageOf(log, { topic: 'flights', partition: 0, offset: 150 })).toMatchObject({
      segments: [{ segment: 's2' }],
      datasets: [],
    })
    expect(lineageOf(log, { topic: 'flights', partition: 0, offset: 3 }).segments.map(({ segment }) => segment)).toEqual([
      's1',
      's3',
    ])
    expect(lineageOf(log, { topic: 'flights', partition: 1, offset: 3 }).segments).toEqual([])
  })

  it('shows refusals', () => {
    expect(lineageOf(log, { topic: 'flights', partition: 0, offset: 7 }).rejected).toMatchObject([
      { view: 'default/flights', code: 'NOT_JSON' },
    ])
  })
})

describe('a fact in words', () => {
  const facts = catalogue.flatMap((definition) => definition.examples.map((data) => [definition.name, definition, data] as const))

  it.each(facts)('has them for %s', (_, definition, data) => {
    const words = describeFact(eventOf(definition, data, { id: 'x', time: at(), app: 'test' }))
    expect(words).toMatch(/\w/)
    expect(words).not.toMatch(/undefined|\[object|NaN/)
    expect(words).not.toContain('\n')
  })

  it('does without fields that it expects', () => {
    for (const definition of catalogue)
      expect(typeof describeFact({ ...registered, type: definition.type, data: {} })).toBe('string')
    expect(describeFact({ ...registered, type: 'cascata.moon.landed.v9', data: { where: 'there' } })).toBe('where there')
  })
})
