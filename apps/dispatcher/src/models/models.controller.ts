import { type Database } from '@cascata/messaging'
import { currentPrincipal, mayAccess, Permission } from '@cascata/service'
import { Controller, Get, HttpCode, Inject, Param, Post } from '@nestjs/common'
import { modelNotFound } from '../errors.ts'
import { Parts } from '../parts.ts'
import { type Weigh } from '../triggers/apply-decision.ts'
import { type TrainingState } from '../triggers/training-state.ts'
import { allModels, findModel } from './models.store.ts'

const iso = (time: number | null): string | null => (time === null ? null : new Date(time).toISOString())

/** A model's trainings, for people. */
const told = (state: TrainingState) => ({
  namespace: state.namespace,
  model: state.model,
  revision: state.revision,
  state:
    state.phase.is === 'suspended'
      ? 'suspended'
      : state.pausedBy !== null
        ? 'paused'
        : state.frozenBy.length > 0
          ? 'frozen'
          : 'open',
  suspended: state.phase.is === 'suspended' ? { since: iso(state.phase.since), reason: state.phase.reason } : null,
  pausedBy: state.pausedBy,
  frozenBy: state.frozenBy,
  limits: state.policy.limits,
  when: state.policy.when,
  labels: state.labels && { ripe: state.labels.ripe, labelled: state.labels.labelled, cutoff: iso(state.labels.cutoff) },
  lastDataset: state.last && { labelled: state.last.labelled, cutoff: iso(state.last.cutoff) },
  episodes: state.findings.map(({ finding, episode, type, version }) => ({
    finding,
    episode,
    type,
    version,
    answered: state.answered.includes(episode),
  })),
  nextTrigger: state.waiting && { trigger: state.waiting.trigger, due: iso(state.waiting.due), causes: state.waiting.causes },
  nextSchedule: iso(state.nextSchedule),
  pendingRun: state.queued?.run ?? null,
  activeRun: state.active?.run ?? null,
  served: state.served,
  failures: state.failures,
  backOff: Object.fromEntries(
    Object.entries(state.history).map(([trigger, past]) => [trigger, { failures: past.failures, endedAt: iso(past.endedAt) }]),
  ),
  requestedToday: state.requestedAt.length,
})

@Controller('v1')
@Permission('viewer')
export class ModelsController {
  private readonly db: Database
  private readonly weigh: Weigh

  constructor(@Inject(Parts.database) db: Database, @Inject(Parts.weigh) weigh: Weigh) {
    this.db = db
    this.weigh = weigh
  }

  @Get('models')
  @Permission('viewer', { scope: 'handler' })
  async list() {
    return (await allModels(this.db)).filter(({ namespace, model }) => mayAccess(namespace, model)).map(told)
  }

  @Get('models/:ns/:name')
  async get(@Param('ns') namespace: string, @Param('name') model: string) {
    const found = await findModel(this.db, { namespace, model })
    if (!found) throw modelNotFound({ model: `${namespace}/${model}` })
    return told(found)
  }

  @Post('models/:ns/:name/pause')
  @HttpCode(200)
  @Permission('trainer')
  pause(@Param('ns') namespace: string, @Param('name') model: string) {
    return this.pull('pause', namespace, model)
  }

  @Post('models/:ns/:name/resume')
  @HttpCode(200)
  @Permission('trainer')
  resume(@Param('ns') namespace: string, @Param('name') model: string) {
    return this.pull('resume', namespace, model)
  }

  /** The stop lever of the whole fleet. */
  @Post('pause')
  @HttpCode(200)
  @Permission('trainer', { scope: 'handler' })
  pauseAll() {
    return this.pullAll('pause')
  }

  @Post('resume')
  @HttpCode(200)
  @Permission('trainer', { scope: 'handler' })
  resumeAll() {
    return this.pullAll('resume')
  }

  private async pull(lever: 'pause' | 'resume', namespace: string, model: string) {
    const by = currentPrincipal().name
    const decision = await this.db.transaction((tx) => this.weigh(tx, { namespace, model }, { is: lever, by }))
    if (!decision) throw modelNotFound({ model: `${namespace}/${model}` })
    return told(decision.next)
  }

  private async pullAll(lever: 'pause' | 'resume') {
    const models = (await allModels(this.db)).filter(({ namespace, model }) => mayAccess(namespace, model))
    const answers = []
    for (const { namespace, model } of models) answers.push(await this.pull(lever, namespace, model))
    return answers
  }
}
