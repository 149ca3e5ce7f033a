import { z } from 'zod'
import { defineEvent } from './define-event.ts'
import { count, evidence, id, keyOfModel, modelIdentity, share, version, words } from './pieces.ts'
import { facts } from './topics.ts'

/** Where a rollout stands: the share of the traffic that its version answers, at which step, against which champion. */
const rolloutShape = {
  ...modelIdentity,
  rollout: id,
  version,
  champion: version.nullable(),
  /** 0 is shadow; 1 is the first step of the resource. */
  step: count,
  share,
  evidence,
  reason: words,
}

const example = { namespace: 'default', model: 'flight-delay', revision: 3, rollout: 'ro-0198f0c0', version: '4', champion: '3' }
const units = { units: 512, errors: { champion: 0, candidate: 0 }, shift: 0.03 }

/** What tells a run whether its version made it. */
const decided = ['baking', 'completed', 'rolledback']

const fact = (name: string, meaning: string, step: number, shareOfTraffic: number, reason: string) =>
  defineEvent({
    name: `rollout.${name}`,
    version: 1,
    topic: facts,
    producer: 'deployer',
    consumers: decided.includes(name) ? ['registry', 'dispatcher'] : ['registry'],
    meaning,
    key: keyOfModel,
    data: z.object(rolloutShape),
    examples: [{ ...example, step, share: shareOfTraffic, evidence: step === 0 ? {} : units, reason }],
  })

export const rolloutStarted = fact(
  'started',
  'A rollout begins: in shadow, at its first step, or at once in full.',
  0,
  0,
  'version 4 is approved',
)

export const rolloutStepped = fact(
  'stepped',
  'A rollout moved on to its next share of the traffic, on evidence.',
  1,
  0.05,
  'no harm in shadow',
)

export const rolloutHeld = fact(
  'held',
  'A step reached its longest time without evidence either way; it waits.',
  2,
  0.25,
  'inconclusive after 24h',
)

export const rolloutPaused = fact('paused', 'A person stopped a rollout where it stands.', 2, 0.25, 'paused by ops')

export const rolloutBaking = fact(
  'baking',
  'The version answers everything; the old one stays warm until labels tell.',
  3,
  1,
  'all steps passed',
)

export const rolloutCompleted = fact('completed', 'The version is the champion.', 3, 1, 'not worse on 5,120 ripe rows')

/** `reason` tells what was seen; the route is back at `champion`. */
export const rolloutRolledBack = fact(
  'rolledback',
  'The version was taken out of service; the champion answers everything.',
  1,
  0,
  'errors +6 points',
)
