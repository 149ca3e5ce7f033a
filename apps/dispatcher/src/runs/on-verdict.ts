import { type DataOf, type versionApproved, type versionRejected } from '@cascata/events'
import { done, drop, type Handler } from '@cascata/messaging'
import { type Clock } from '@cascata/service'
import { lockModel } from '../models/models.store.ts'
import { type Weigh } from '../triggers/apply-decision.ts'
import { outcomeFor } from './advance.ts'
import { lockRun, updateRun } from './runs.store.ts'

type Verdict = DataOf<typeof versionApproved> | DataOf<typeof versionRejected>

/** A person's word ends a run that waited for it; the gates' own verdict ended it when it was said. */
export const onVerdict =
  ({ weigh, clock }: { weigh: Weigh; clock: Clock }): Handler<Verdict> =>
  async (event, tx) => {
    const { data } = event
    if (data.by === 'gates') return drop('said here')
    await lockModel(tx, data)
    const found = await tx.query<{ id: string }>(
      'select id from run where namespace = $1 and model = $2 and version = $3 and awaiting',
      [data.namespace, data.model, data.version],
    )
    const run = found[0] && (await lockRun(tx, found[0].id))
    if (!run) return drop('no run waits for it')
    const now = new Date(clock.now())
    await updateRun(tx, run.id, { state: data.verdict, awaiting: false, stageAt: now, endedAt: now }, { why: data.why })
    await weigh(tx, data, { is: 'ended', run: run.id, trigger: run.trigger, outcome: outcomeFor(run, data.verdict) }, event)
    return done
  }
