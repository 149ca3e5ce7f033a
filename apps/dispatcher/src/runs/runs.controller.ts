import { type Database, ringAfter } from '@cascata/messaging'
import { type Clock, currentPrincipal, mayAccess, Permission, requireAccess } from '@cascata/service'
import { Body, Controller, Get, Header, Headers, HttpCode, Inject, Param, Post, Query } from '@nestjs/common'
import { randomUUID, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { type DispatcherConfig } from '../config.ts'
import { modelNotFound, progressRefused, runEnded, runNotFound, trainingForbidden } from '../errors.ts'
import { type Executor } from '../executor/executor.ts'
import { type ModelName } from '../models/models.store.ts'
import { Parts } from '../parts.ts'
import { type Weigh } from '../triggers/apply-decision.ts'
import { sayProgress } from './perform.ts'
import { ended, type Run } from './run.ts'
import { runFolder } from './run-folder.ts'
import { tellRun } from './tell-run.ts'
import { findRun, newestRuns, updateRun } from './runs.store.ts'

const asked = z.object({ model: z.string().min(1).max(400), namespace: z.string().max(200).optional() })
const progress = z.object({ progress: z.number().min(0).max(1), metrics: z.record(z.string().max(200), z.number()).default({}) })

/** `name` or `ns/name`. */
export function nameOf(written: string, namespace = 'default'): ModelName {
  const [first = '', second] = written.split('/')
  return second === undefined ? { namespace, model: first } : { namespace: first, model: second }
}

@Controller('v1/runs')
@Permission('viewer', { scope: 'handler' })
export class RunsController {
  private readonly db: Database
  private readonly clock: Clock
  private readonly weigh: Weigh
  private readonly executor: Executor
  private readonly config: DispatcherConfig

  constructor(
    @Inject(Parts.database) db: Database,
    @Inject(Parts.clock) clock: Clock,
    @Inject(Parts.weigh) weigh: Weigh,
    @Inject(Parts.executor) executor: Executor,
    @Inject(Parts.config) config: DispatcherConfig,
  ) {
    this.db = db
    this.clock = clock
    this.weigh = weigh
    this.executor = executor
    this.config = config
  }

  /** Asks for a training now: a new run, or the pending one that absorbs the wish. */
  @Post()
  @HttpCode(202)
  @Permission('trainer', { scope: 'handler' })
  async post(@Body({ schema: asked }) body: z.infer<typeof asked>) {
    const name = nameOf(body.model, body.namespace)
    requireAccess(name.namespace, name.model)
    const by = currentPrincipal().name
    const event = {
      id: randomUUID(),
      type: 'manual',
      trigger: 'manual' as const,
      at: new Date(this.clock.now()).toISOString(),
      summary: `asked by ${by}`,
    }
    const decision = await this.db.transaction((tx) => this.weigh(tx, name, { is: 'manual', event }))
    const shown = `${name.namespace}/${name.model}`
    if (!decision) throw modelNotFound({ model: shown })
    const refused = decision.effects.find((effect) => effect.is === 'refuse')
    if (refused) throw trainingForbidden({ model: shown, reason: refused.reason })
    return tellRun(await this.found(decision.next.queued?.run ?? ''))
  }

  @Get()
  async list(@Query('model') model?: string, @Query('state') state?: string, @Query('limit') limit?: string) {
    const name = model ? nameOf(model) : {}
    const most = Math.min(1_000, Math.max(1, Number(limit) || 100))
    const runs = await newestRuns(this.db, { ...name, ...(state ? { state } : {}), limit: most })
    return runs.filter((run) => mayAccess(run.namespace, run.model)).map(tellRun)
  }

  @Get(':id')
  async get(@Param('id') id: string) {
    return tellRun(await this.allowed(id))
  }

  @Get(':id/logs')
  @Header('content-type', 'text/plain; charset=utf-8')
  async logs(@Param('id') id: string): Promise<string> {
    const run = await this.allowed(id)
    const folder = runFolder(this.config.runs, run.id)
    const parts = (run.details.attempts ?? []).map(async ({ job, what, attempt }) => {
      const text = await this.executor.logs({ id: job, folder: folder.job(`${what}-${attempt}`) })
      return `== ${what}, attempt ${attempt}\n${text}`
    })
    return (await Promise.all(parts)).join('\n')
  }

  @Post(':id/cancel')
  @HttpCode(202)
  @Permission('trainer', { scope: 'handler' })
  async cancel(@Param('id') id: string) {
    const run = await this.allowed(id)
    if (ended.includes(run.state)) throw runEnded({ run: id, state: run.state })
    await this.db.transaction(async (tx) => {
      await updateRun(tx, id, { cancel: `cancelled by ${currentPrincipal().name}` })
      await ringAfter(tx, 'conductor')
    })
    return tellRun(await this.found(id))
  }

  /** A trainer's own word on how far it is, by the token of its job file. */
  @Post(':id/progress')
  @HttpCode(204)
  @Permission('public')
  async progress(
    @Param('id') id: string,
    @Headers('authorization') authorization: string | undefined,
    @Body({ schema: progress }) body: z.infer<typeof progress>,
  ) {
    const run = await findRun(this.db, id)
    if (!run || !sameToken(run.token, authorization) || (run.state !== 'training' && run.state !== 'refitting'))
      throw progressRefused({ run: id })
    await sayProgress({ db: this.db }, run, Math.max(1, run.attempt), { share: body.progress, metrics: body.metrics })
  }

  private async found(id: string): Promise<Run> {
    const run = await findRun(this.db, id)
    if (!run) throw runNotFound({ run: id })
    return run
  }

  private async allowed(id: string): Promise<Run> {
    const run = await this.found(id)
    requireAccess(run.namespace, run.model)
    return run
  }
}

function sameToken(token: string, authorization: string | undefined): boolean {
  const given = Buffer.from((authorization ?? '').replace(/^Bearer /, ''))
  const known = Buffer.from(token)
  return given.length === known.length && timingSafeEqual(given, known)
}
