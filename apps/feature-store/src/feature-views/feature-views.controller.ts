import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common'
import { z } from 'zod'
import { type Database, type Messaging } from '@cascata/messaging'
import { currentPrincipal, mayAccess, Permission } from '@cascata/service'
import { timeInvalid, viewNotFound } from '../errors.ts'
import { type ReplayFrom } from '../ingest/replay-part.ts'
import { parseIso } from '../ingest/validate-times.ts'
import { listPayloads } from '../ingest/rejects.store.ts'
import { Parts } from '../parts.ts'
import { freshnessOf, instant } from './freshness.ts'
import { groupOf } from './view.ts'
import { type ViewDuties } from './view-duties.ts'
import { findView, listViews, type StoredView } from './views.store.ts'

const resumption = z.object({ from: z.enum(['earliest', 'latest']) })
/** The beginning, an ISO 8601 instant, or an offset by partition. */
const replay = z
  .object({
    from: z
      .union([
        z.string().min(1).max(64),
        z.record(z.string().regex(/^\d{1,5}$/), z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)),
      ])
      .default('earliest'),
  })
  .default({ from: 'earliest' })

function placeOf(from: z.infer<typeof replay>['from']): ReplayFrom | 'earliest' {
  if (from === 'earliest') return from
  if (typeof from === 'object')
    return { offsets: new Map(Object.entries(from).map(([partition, offset]) => [Number(partition), offset])) }
  const time = parseIso(from)
  if (Number.isNaN(time)) throw timeInvalid({ problem: 'from is neither earliest, an ISO 8601 instant with a zone, nor offsets' })
  return { time }
}

const page = z.object({ limit: z.coerce.number().int().min(1).max(1_000).default(100) })

@Controller('v1/views')
@Permission('viewer')
export class FeatureViewsController {
  private readonly db: Database
  private readonly messaging: Messaging
  private readonly duties: ViewDuties

  constructor(
    @Inject(Parts.database) db: Database,
    @Inject(Parts.messaging) messaging: Messaging,
    @Inject(Parts.viewDuties) duties: ViewDuties,
  ) {
    this.db = db
    this.messaging = messaging
    this.duties = duties
  }

  @Get()
  @Permission('viewer', { scope: 'handler' })
  async list() {
    const views = (await listViews(this.db)).filter(({ view }) => mayAccess(view.namespace, view.name))
    return { views: views.map(summary) }
  }

  @Get(':namespace/:name')
  async show(@Param('namespace') namespace: string, @Param('name') name: string) {
    // Offsets first: what they cover is then in the counters and the watermark too.
    const partitions = await this.messaging.partitions(groupOf({ namespace, name }))
    const stored = await this.find(namespace, name)
    return {
      ...summary(stored),
      partitions: partitions.map(({ topic, partition, epoch, nextOffset, end, halted }) => ({
        topic,
        partition,
        epoch,
        nextOffset,
        end,
        ...(halted ? { halted } : {}),
      })),
    }
  }

  /** Rejected rows whose content was kept, the newest first. */
  @Get(':namespace/:name/rejected')
  async rejected(
    @Param('namespace') namespace: string,
    @Param('name') name: string,
    @Query({ schema: page }) { limit }: z.infer<typeof page>,
  ) {
    const { view, state } = await this.find(namespace, name)
    return { count: state.rejected, sample: await listPayloads(this.db, view.id, limit) }
  }

  @Post(':namespace/:name/resume')
  @Permission('publisher')
  @HttpCode(200)
  async resume(
    @Param('namespace') namespace: string,
    @Param('name') name: string,
    @Body({ schema: resumption }) { from }: z.infer<typeof resumption>,
  ) {
    return { partitions: await this.duties.resume(namespace, name, from, currentPrincipal().name) }
  }

  @Post(':namespace/:name/replay')
  @Permission('publisher')
  @HttpCode(200)
  async replay(
    @Param('namespace') namespace: string,
    @Param('name') name: string,
    @Body({ schema: replay }) { from }: z.infer<typeof replay>,
  ) {
    return { partitions: await this.duties.replay(namespace, name, placeOf(from)) }
  }

  @Post(':namespace/:name/rebuild')
  @Permission('publisher')
  @HttpCode(202)
  async rebuild(@Param('namespace') namespace: string, @Param('name') name: string) {
    await this.duties.rebuild(namespace, name)
    return { view: `${namespace}/${name}` }
  }

  private async find(namespace: string, name: string): Promise<StoredView> {
    const stored = await findView(this.db, namespace, name)
    if (!stored) throw viewNotFound({ view: `${namespace}/${name}` })
    return stored
  }
}

const summary = ({ view, state }: StoredView) => ({
  namespace: view.namespace,
  name: view.name,
  revision: view.revision,
  state: state.halted ? 'halted' : state.building ? 'building' : 'active',
  watermark: instant(state.watermark),
  rows: {
    accepted: state.accepted,
    rejected: state.rejected,
    deleted: state.deleted,
    ignored: state.ignored,
    withUnknownFields: state.withUnknownFields,
    ...(view.windows ? { tooLate: state.tooLate } : {}),
  },
  freshness: freshnessOf({ view, state }),
})
