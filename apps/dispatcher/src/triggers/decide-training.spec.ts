import { type Trigger } from '@cascata/events'
import { describe, expect, it } from 'vitest'
import { decideTraining } from './decide-training.ts'
import { newTrainingState, type Cause, type Effect, type TrainingPolicy, type TrainingState } from './training-state.ts'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour
const midnight = Date.UTC(2026, 0, 5)

/** `10:00`, or `1 10:00` of the next day. */
const at = (time: string): number => {
  const [clock, days] = time.split(' ').reverse() as [string, string?]
  const [hours, minutes] = clock.split(':').map(Number) as [number, number]
  return midnight + Number(days ?? 0) * day + hours * hour + minutes * minute
}

const policy = (limits: Partial<TrainingPolicy['limits']> = {}, when: Partial<TrainingPolicy['when']> = {}): TrainingPolicy => ({
  when: { newLabels: { share: 0.15 }, drift: true, performance: true, maxAge: 30 * day, schedule: null, ...when },
  limits: { debounce: 0, cooldown: 0, perDay: 100, minNewLabels: 500, ...limits },
  minRows: 1_000,
  fingerprint: 'f1',
})

const event = (id: string, trigger: Trigger = 'newLabels') => ({ id, type: 'test', trigger, at: '2026-01-05T00:00:00.000Z' })
const labels = (labelled: number, cutoffDays = 0, id = `labels-${labelled}`): Cause => ({
  is: 'labels',
  event: event(id),
  labels: { ripe: labelled, labelled, cutoff: cutoffDays * day },
})
const found = (
  type: string,
  { version = '1', episode = `e-${type}` }: { version?: string | null; episode?: string } = {},
): Cause => ({
  is: 'finding opened',
  event: event(`opened-${episode}`, 'drift'),
  finding: { finding: `f-${episode}`, episode, type, version },
})
const closed = (type: string, episode = `e-${type}`): Cause => ({
  is: 'finding closed',
  finding: `f-${episode}`,
  reason: 'recovered',
})
const manual: Cause = { is: 'manual', event: event('ada', 'manual') }
const tick: Cause = { is: 'tick' }
const spec = (next: TrainingPolicy): Cause => ({ is: 'spec', event: event('apply', 'specChanged'), revision: 2, policy: next })
const promoted: Cause = { is: 'promoted', version: '1', trigger: 'newLabels' }

type Step = readonly [Cause, string]

/** A run of a trigger from its request to its end, on a dataset of so many labelled rows. */
const run = (
  trigger: Trigger,
  outcome: (Cause & { is: 'ended' })['outcome'],
  ended: string,
  labelled = 1_000,
  cutoffDays = 0,
): Step[] => [
  [{ is: 'started', run: 'past', trigger }, ended],
  [{ is: 'dataset built', run: 'past', labels: { labelled, cutoff: cutoffDays * day } }, ended],
  [{ is: 'ended', run: 'past', trigger, outcome }, ended],
]

const fold = (state: TrainingState, steps: readonly Step[]): TrainingState =>
  steps.reduce((model, [cause, time]) => decideTraining(model, cause, { now: at(time), run: 'past' }).next, state)

/** given(policy, …what happened).when(cause, time).then(effects, due) */
const given = (model: TrainingPolicy, ...before: readonly Step[]) => ({
  when: (cause: Cause, time: string) => {
    const decision = decideTraining(fold(newTrainingState('default', 'm', 1, model), before), cause, { now: at(time), run: 'r' })
    return {
      ...decision,
      then: (effects: unknown[], { due }: { due?: string } = {}) => {
        expect(decision.effects).toEqual(effects)
        expect(decision.next.waiting === null ? undefined : decision.next.waiting.due).toBe(
          due === undefined ? undefined : at(due),
        )
        if (due && decision.next.frozenBy.length === 0 && !decision.next.pausedBy) expect(decision.wakeAt).toBe(at(due))
        expect(JSON.parse(JSON.stringify(decision.next))).toEqual(decision.next)
      },
    }
  },
})

const requested = (trigger: Trigger, causes = 1, episode: string | null = null) =>
  expect.objectContaining<Partial<Effect & { is: 'request' }>>({
    is: 'request',
    run: 'r',
    trigger,
    causes: expect.toSatisfy((list: unknown) => Array.isArray(list) && list.length === causes),
    episode,
  })
const coalesced = (trigger: Trigger) => ({
  is: 'coalesce',
  into: expect.any(String),
  cause: expect.objectContaining({ trigger }),
})
const refused = (reason: string) => ({ is: 'refuse', reason, cause: expect.anything() })

describe('labels', () => {
  it('start the first training as soon as there are enough labelled rows', () => {
    given(policy()).when(labels(999), '10:00').then([])
    given(policy())
      .when(labels(1_000), '10:00')
      .then([requested('newLabels')])
  })
  it('ask again when they have grown by the share of the last dataset, or by the number', () => {
    given(policy(), ...run('newLabels', 'approved', '9:00'))
      .when(labels(1_149), '10:00')
      .then([])
    given(policy(), ...run('newLabels', 'approved', '9:00'))
      .when(labels(1_150), '10:00')
      .then([requested('newLabels')])
    given(policy({}, { newLabels: { rows: 40 } }), ...run('newLabels', 'approved', '9:00'))
      .when(labels(1_040), '10:00')
      .then([requested('newLabels')])
    given(policy({}, { newLabels: null }), ...run('newLabels', 'approved', '9:00'))
      .when(labels(9_000), '10:00')
      .then([])
  })
  it('ask by the age of the last dataset in data time, once there is enough to learn from', () => {
    const model = policy({}, { newLabels: null })
    given(model, ...run('newLabels', 'approved', '9:00'))
      .when(labels(1_500, 29), '10:00')
      .then([])
    given(model, ...run('newLabels', 'approved', '9:00'))
      .when(labels(1_499, 31), '10:00')
      .then([])
    given(model, ...run('newLabels', 'approved', '9:00'))
      .when(labels(1_500, 30), '10:00')
      .then([requested('maxAge')])
  })
  it('are not counted backwards by a late fact', () => {
    expect(given(policy(), [labels(900, 5), '9:00']).when(labels(800, 4), '9:01').next.labels?.labelled).toBe(900)
  })
  it('that the dataset under way will hold ask nothing', () => {
    given(policy(), [labels(1_000), '9:00'], [{ is: 'started', run: 'past', trigger: 'newLabels' }, '9:00'])
      .when(labels(9_000), '9:01')
      .then([])
  })
})

describe('debounce', () => {
  it('is a fixed delay from the first cause that the next one does not restart', () => {
    const model = policy({ debounce: 10 * minute })
    const first = given(model).when(labels(1_000), '10:00')
    const due = first.next.waiting!.due
    expect(first.effects).toEqual([])
    expect(due).toBeGreaterThanOrEqual(at('10:10'))
    expect(due).toBeLessThanOrEqual(at('10:11'))
    expect(given(model, [labels(1_000), '10:00']).when(labels(2_000), '10:05').next.waiting!.due).toBe(due)
    expect(given(model, [labels(1_000), '10:00']).when(tick, '10:09').effects).toEqual([])
    given(model, [labels(1_000), '10:00'])
      .when(tick, '10:11')
      .then([requested('newLabels')])
  })
  it('collects the causes that come meanwhile; the strongest names the run', () => {
    const model = policy({ debounce: 10 * minute })
    const before: Step[] = [
      ...run('newLabels', 'approved', '8:00'),
      [promoted, '8:30'],
      [labels(1_600), '10:00'],
      [found('drift'), '10:05'],
    ]
    given(model, ...before)
      .when(tick, '10:11')
      .then([requested('drift', 2, 'e-drift')])
  })
  it('does not hold back a person, who takes along what waits', () => {
    given(policy({ debounce: hour }), [labels(1_000), '10:00'])
      .when(manual, '10:01')
      .then([requested('manual', 2)])
  })
})

describe('a pending run', () => {
  const pending: Step[] = [[labels(1_000), '10:00']]
  it('absorbs further causes, each trigger once', () => {
    given(policy(), ...pending)
      .when(labels(2_000), '10:01')
      .then([])
    given(policy(), ...pending)
      .when(manual, '10:01')
      .then([coalesced('manual')])
    const next = policy({}, { maxAge: null })
    given(policy(), ...pending)
      .when(spec({ ...next, fingerprint: 'f2' }), '10:01')
      .then([coalesced('specChanged')])
  })
  it('exists beside a running one at most once', () => {
    const running: Step[] = [
      [labels(1_000), '10:00'],
      [{ is: 'started', run: 'past', trigger: 'newLabels' }, '10:00'],
      [{ is: 'dataset built', run: 'past', labels: { labelled: 1_000, cutoff: 0 } }, '10:01'],
    ]
    given(policy(), ...running)
      .when(labels(1_100), '10:02')
      .then([])
    given(policy(), ...running)
      .when(labels(1_200), '10:02')
      .then([requested('newLabels')])
    given(policy(), ...running, [labels(1_200), '10:02'])
      .when(labels(1_400), '10:03')
      .then([])
  })
})

describe('findings', () => {
  const serving: Step[] = [...run('newLabels', 'approved', '8:00'), [promoted, '8:30']]
  it('of drift and performance train once there is enough to learn from', () => {
    given(policy(), ...serving, [labels(1_100), '9:00'])
      .when(found('drift'), '10:00')
      .then([])
    given(policy(), ...serving, [found('drift'), '9:00'])
      .when(labels(1_499), '10:00')
      .then([requested('newLabels')])
    const model = policy({}, { newLabels: null })
    given(model, ...serving, [found('drift'), '9:00'])
      .when(labels(1_499), '10:00')
      .then([])
    given(model, ...serving, [found('performance'), '9:00'])
      .when(labels(1_500), '10:00')
      .then([requested('performance', 1, 'e-performance')])
  })
  it('train once an episode', () => {
    const model = policy({}, { newLabels: null })
    const trained: Step[] = [
      ...serving,
      [found('drift'), '9:00'],
      [labels(1_500), '10:00'],
      ...run('drift', 'approved', '11:00', 1_500),
    ]
    given(model, ...trained)
      .when(labels(2_500), '12:00')
      .then([])
    given(model, ...trained, [closed('drift'), '11:30'], [labels(2_500), '12:00'])
      .when(found('drift', { episode: 'e2' }), '13:00')
      .then([requested('drift', 1, 'e2')])
  })
  it('about a version that no longer serves are ignored', () => {
    given(policy({}, { newLabels: null }), ...serving, [labels(9_000), '9:00'])
      .when(found('drift', { version: '7' }), '10:00')
      .then([])
  })
  it('switched off ask nothing', () => {
    given(policy({}, { newLabels: null, drift: false }), ...serving, [labels(9_000), '9:00'])
      .when(found('drift'), '10:00')
      .then([])
  })
  it('that close while they wait take their cause along', () => {
    const model = policy({ debounce: hour }, { newLabels: null })
    given(model, ...serving, [labels(1_500), '9:00'], [found('drift'), '10:00'])
      .when(closed('drift'), '10:30')
      .then([])
  })
  it('of fairness and staleness are for people', () => {
    given(policy(), ...serving, [labels(1_149), '9:00'])
      .when(found('fairness'), '10:00')
      .then([])
  })
})

describe('a freeze', () => {
  const frozen: Step[] = [...run('newLabels', 'approved', '8:00'), [found('data-invalid'), '9:00']]
  it('is said once, whatever else breaks', () => {
    given(policy(), ...run('newLabels', 'approved', '8:00'))
      .when(found('data-invalid'), '9:00')
      .then([{ is: 'frozen', reason: 'data-invalid', episode: 'e-data-invalid' }])
    given(policy(), ...frozen)
      .when(found('data-gap'), '9:01')
      .then([])
  })
  it('wins over drift, and refuses out loud once', () => {
    given(policy({}, { newLabels: null }), ...frozen, [found('drift', { version: null }), '9:30'])
      .when(labels(5_000), '10:00')
      .then([refused('frozen')], { due: '10:00' })
    given(policy(), ...frozen, [labels(2_000), '10:00'])
      .when(labels(3_000), '10:01')
      .then([], { due: '10:00' })
  })
  it('refuses a person each time', () => {
    given(policy(), ...frozen, [manual, '9:30'])
      .when(manual, '9:31')
      .then([refused('frozen')])
  })
  it('stops the run at work: its dataset may hold what is broken', () => {
    given(policy(), [labels(1_000), '8:00'], [{ is: 'started', run: 'past', trigger: 'newLabels' }, '8:00'])
      .when(found('skew'), '8:01')
      .then([
        { is: 'frozen', reason: 'skew', episode: 'e-skew' },
        { is: 'cancel', run: 'past', reason: 'frozen: skew' },
      ])
  })
  it('ends with the last of its findings, and what asked meanwhile is trained', () => {
    given(policy(), ...frozen, [found('data-gap'), '9:01'], [labels(2_000), '10:00'])
      .when(closed('data-gap'), '11:00')
      .then([], { due: '10:00' })
    given(policy(), ...frozen, [labels(2_000), '10:00'])
      .when(closed('data-invalid'), '11:00')
      .then([{ is: 'unfrozen', reason: 'recovered', episode: 'e-data-invalid' }, requested('newLabels')])
  })
})

describe('back-off', () => {
  const failed = (...outcomes: [string, (Cause & { is: 'ended' })['outcome']][]): Step[] =>
    outcomes.flatMap(([time, outcome]) => run('newLabels', outcome, time))
  it('waits the cooldown after a run that was promoted', () => {
    given(policy({ cooldown: hour }), ...run('newLabels', 'approved', '10:00'))
      .when(labels(5_000), '10:30')
      .then([], { due: '11:00' })
  })
  it('counts from the end of the run at work, whenever that is', () => {
    const working: Step[] = [
      [{ is: 'started', run: 'past', trigger: 'newLabels' }, '10:00'],
      [{ is: 'dataset built', run: 'past', labels: { labelled: 1_000, cutoff: 0 } }, '10:00'],
      [labels(5_000), '10:30'],
    ]
    given(policy({ cooldown: hour }), ...working)
      .when(tick, '11:30')
      .then([], { due: '12:30' })
    const end: Cause = { is: 'ended', run: 'past', trigger: 'newLabels', outcome: 'approved' }
    given(policy({ cooldown: hour }), ...working)
      .when(end, '11:40')
      .then([], { due: '12:40' })
  })
  it('waits twice as long after each run that did not end in promotion', () => {
    given(policy({ cooldown: hour }), ...failed(['10:00', 'rejected']))
      .when(labels(5_000), '11:30')
      .then([], { due: '12:00' })
    given(policy({ cooldown: hour }), ...failed(['8:00', 'rejected'], ['10:00', 'failed']))
      .when(labels(5_000), '11:30')
      .then([], { due: '14:00' })
  })
  it('starts at a minute without a cooldown, and ends at seven days', () => {
    given(policy(), ...failed(['10:00', 'rejected']))
      .when(labels(5_000), '10:00')
      .then([], { due: '10:01' })
    given(policy(), ...failed(['9:00', 'rejected'], ['10:00', 'rejected']))
      .when(labels(5_000), '10:00')
      .then([], { due: '10:02' })
    given(policy({ cooldown: 3 * day }), ...failed(['9:00', 'rejected'], ['10:00', 'rejected']))
      .when(labels(5_000), '10:00')
      .then([], { due: '7 10:00' })
  })
  it('does not count an inconclusive gate or a cancelled run, and counts a rollout that was taken back', () => {
    given(policy({ cooldown: hour }), ...failed(['10:00', 'inconclusive']))
      .when(labels(5_000), '10:30')
      .then([], { due: '11:00' })
    given(policy({ cooldown: hour }), ...failed(['10:00', 'cancelled']))
      .when(labels(5_000), '10:30')
      .then([requested('newLabels')])
    const back: Cause = { is: 'rolled back', version: '2', champion: '1', trigger: 'newLabels' }
    given(policy({ cooldown: hour }), ...failed(['10:00', 'approved']), [back, '11:00'])
      .when(labels(5_000), '11:30')
      .then([], { due: '13:00' })
  })
  it('is of one trigger: another one does not wait for it', () => {
    const model = policy({ cooldown: hour }, { newLabels: null })
    given(model, ...failed(['10:00', 'rejected']), [labels(1_600), '10:01'])
      .when(found('drift'), '10:02')
      .then([requested('drift', 1, 'e-drift')])
  })
  it('ends with a promotion', () => {
    given(policy({ cooldown: hour }), ...failed(['8:00', 'rejected'], ['9:00', 'approved']), [promoted, '9:30'])
      .when(labels(5_000), '10:00')
      .then([requested('newLabels')])
  })
  it('suspends after five in a row, until a person or another spec lets it go on', () => {
    const four = failed(['1:00', 'rejected'], ['2:00', 'failed'], ['3:00', 'rejected'], ['4:00', 'rejected'])
    const last: Cause = { is: 'ended', run: 'past', trigger: 'newLabels', outcome: 'rejected' }
    given(policy(), ...four)
      .when(last, '5:00')
      .then([{ is: 'suspended', reason: '5 runs in a row ended without promotion' }])
    const suspended: Step[] = [...four, [last, '5:00']]
    given(policy(), ...suspended)
      .when(labels(9_000), '6:00')
      .then([refused('suspended')])
    given(policy(), ...suspended, [{ is: 'resume', by: 'ada' }, '6:00'])
      .when(labels(9_000), '6:00')
      .then([requested('newLabels')])
    given(policy(), ...suspended, [labels(9_000), '5:30'])
      .when(spec({ ...policy(), fingerprint: 'f2' }), '6:00')
      .then([{ is: 'resumed', reason: 'the spec was changed', by: 'apply' }, requested('specChanged')])
  })
})

describe('limits', () => {
  it('of a day postpone until the oldest request is a day old', () => {
    const before: Step[] = [
      [labels(1_000), '10:00'],
      ...run('newLabels', 'approved', '10:05'),
      [labels(2_000), '12:00'],
      ...run('newLabels', 'approved', '12:05', 2_000),
    ]
    given(policy({ perDay: 2 }), ...before)
      .when(labels(4_000), '13:00')
      .then([], { due: '1 10:00' })
    given(policy({ perDay: 2 }), ...before, [labels(4_000), '13:00'])
      .when(tick, '1 10:00')
      .then([requested('newLabels')])
  })
})

describe('a changed spec', () => {
  const trained: Step[] = [[labels(1_000), '8:00'], ...run('newLabels', 'approved', '8:10')]
  it('trains when the model would be another one, not when only its policies changed', () => {
    given(policy({ cooldown: hour }), ...trained)
      .when(spec({ ...policy({ cooldown: hour }), fingerprint: 'f2' }), '8:20')
      .then([requested('specChanged')])
    given(policy(), ...trained)
      .when(spec(policy({ perDay: 3 })), '8:20')
      .then([])
  })
  it('stops the run of the old one', () => {
    given(policy(), ...trained, [{ is: 'started', run: 'r9', trigger: 'newLabels' }, '8:15'])
      .when(spec({ ...policy(), fingerprint: 'f2' }), '8:20')
      .then([{ is: 'cancel', run: 'r9', reason: 'the spec was changed' }, requested('specChanged')])
  })
})

describe('a timetable', () => {
  it('asks at its times, in UTC, whether or not anything else happens', () => {
    const model = policy({}, { newLabels: null, schedule: '0 3 * * *' })
    const waiting = given(model, [labels(1_500), '1:00']).when(labels(1_500), '2:00')
    expect(waiting.next.nextSchedule).toBe(at('3:00'))
    const trained: Step[] = [[labels(1_500), '1:00'], ...run('newLabels', 'approved', '1:10')]
    given(model, ...trained)
      .when(tick, '2:59')
      .then([])
    const due = given(model, ...trained).when(tick, '3:00')
    due.then([requested('schedule')])
    expect(due.next.nextSchedule).toBe(at('1 3:00'))
  })
})

describe('the stop lever', () => {
  it('is pulled and released by a person, and said once', () => {
    given(policy())
      .when({ is: 'pause', by: 'ada' }, '9:00')
      .then([{ is: 'paused', reason: 'paused by ada', by: 'ada' }])
    given(policy(), [{ is: 'pause', by: 'ada' }, '9:00'])
      .when({ is: 'pause', by: 'bob' }, '9:01')
      .then([])
    given(policy(), [{ is: 'pause', by: 'ada' }, '9:00'])
      .when(labels(5_000), '9:02')
      .then([refused('paused')], { due: '9:02' })
    given(policy(), [{ is: 'pause', by: 'ada' }, '9:00'], [labels(5_000), '9:02'])
      .when({ is: 'resume', by: 'ada' }, '9:05')
      .then([{ is: 'resumed', reason: 'resumed by ada', by: 'ada' }, requested('newLabels')])
  })
})
