import { randomUUID } from 'node:crypto'
import {
  type findingClosed,
  type findingOpened,
  type DataOf,
  type labelsRipened,
  type resourceApplied,
  type resourceDeleted,
  type versionApproved,
  type versionFailed,
  type versionLoaded,
  type versionRejected,
} from '@cascata/events'
import { deadLetter, done, drop, type Handler, type Outcome, type Tx } from '@cascata/messaging'
import { type ModelSpec } from '@cascata/resources'
import { type Clock } from '@cascata/service'
import { type DeployerMetrics } from '../metrics.ts'
import { changeDeployment, type Changing } from './change-deployment.ts'
import { type Input } from './decide-deployment.ts'
import { planOf } from './decide-plan.ts'
import { type ModelName } from './deployments.store.ts'

interface Parts {
  clock: Clock
  metrics: DeployerMetrics
}

type AboutVersion = Pick<DataOf<typeof findingOpened>, 'namespace' | 'model' | 'version' | 'finding' | 'type'>

type On<Definition> = Handler<DataOf<Definition>>

/** The registry fills in every default; a spec without them was written by somebody else. */
const isComplete = (spec: object): spec is ModelSpec => ['rollout', 'gates', 'label'].every((part) => part in spec)

/** An id that is the same however often the event is handled, so that what it makes is too. */
const rolloutId = (event: { id: string }): string => `ro-${event.id}`.slice(0, 100)

/** Every fact that may change what serves, as an input to its model's deployment. */
export const factHandlers = ({ clock, metrics }: Parts) => {
  const change = async (tx: Tx, name: ModelName, input: Input, causedBy?: Changing['causedBy']): Promise<Outcome> => {
    await changeDeployment(tx, name, input, { now: clock.now(), metrics, ...(causedBy ? { causedBy } : {}) })
    return done
  }

  const onApplied: On<typeof resourceApplied> = async (event, tx) => {
    const { kind, namespace, name, revision, spec } = event.data
    if (kind !== 'Model') return drop('not a Model')
    if (!isComplete(spec)) return deadLetter('the spec has not all of its defaults filled in')
    return change(tx, { namespace, model: name }, { is: 'applied', revision, plan: planOf(revision, spec) })
  }
  const onDeleted: On<typeof resourceDeleted> = async (event, tx) => {
    const { kind, namespace, name, revision } = event.data
    return kind === 'Model' ? change(tx, { namespace, model: name }, { is: 'deleted', revision }, event) : drop('not a Model')
  }
  const onApproved: On<typeof versionApproved> = async (event, tx) => {
    const { version, by, comparison } = event.data
    const seen = comparison === undefined || comparison === 'failed' ? 'skipped' : comparison
    return change(tx, event.data, { is: 'approved', version, rollout: rolloutId(event), by, comparison: seen }, event)
  }
  const onRejected: On<typeof versionRejected> = async (event, tx) => {
    const { version, by } = event.data
    return version === null ? drop('it never became a version') : change(tx, event.data, { is: 'rejected', version, by }, event)
  }
  const onLoaded: On<typeof versionLoaded> = (event, tx) => change(tx, event.data, { is: 'loaded', version: event.data.version })
  const onFailed: On<typeof versionFailed> = (event, tx) =>
    change(tx, event.data, { is: 'failed', version: event.data.version, code: event.data.code, rollout: rolloutId(event) }, event)

  const onFinding =
    <D extends AboutVersion>(is: 'findingOpened' | 'findingClosed'): Handler<D> =>
    async (event, tx) => {
      const { namespace, model, version, finding, type } = event.data
      if (model === undefined || version === null) return drop('not about a version')
      const input: Input = { is, version, finding, type }
      return change(tx, { namespace, model }, input, is === 'findingOpened' ? event : undefined)
    }
  const onRipened: On<typeof labelsRipened> = (event, tx) =>
    change(tx, event.data, { is: 'ripened', cutoff: Date.parse(event.data.cutoff) })

  return {
    onApplied,
    onDeleted,
    onApproved,
    onRejected,
    onLoaded,
    onFailed,
    onFindingOpened: onFinding<DataOf<typeof findingOpened>>('findingOpened'),
    onFindingClosed: onFinding<DataOf<typeof findingClosed>>('findingClosed'),
    onRipened,
  }
}

export type FactHandlers = ReturnType<typeof factHandlers>

/** An id for what a person asks for. */
export const newRolloutId = (): string => `ro-${randomUUID()}`
