import { Body, Controller, Delete, Get, HttpCode, Inject, Param } from '@nestjs/common'
import { z } from 'zod'
import { type Database } from '@cascata/messaging'
import { currentPrincipal, Permission } from '@cascata/service'
import { viewNotFound } from '../errors.ts'
import { findView } from '../feature-views/views.store.ts'
import { iso } from '../ingest/validate-times.ts'
import { Parts } from '../parts.ts'
import { type Eraser } from './erase.ts'
import { type Erasure, listErasures } from './erasures.store.ts'

const asked = z.object({ key: z.record(z.string().max(200), z.unknown()) })

/** Erasing an entity from a view, and what became of it. */
@Controller('v1/entities')
@Permission('publisher')
export class ErasureController {
  private readonly db: Database
  private readonly eraser: Eraser

  constructor(@Inject(Parts.database) db: Database, @Inject(Parts.eraser) eraser: Eraser) {
    this.db = db
    this.eraser = eraser
  }

  /** Erases an entity: 202, as segments are rewritten by the deadline. */
  @Delete(':namespace/:view')
  @HttpCode(202)
  async erase(
    @Param('namespace') namespace: string,
    @Param('view') name: string,
    @Body({ schema: asked }) { key }: z.infer<typeof asked>,
  ) {
    const { erasure } = await this.eraser.erase(namespace, name, key, currentPrincipal().name)
    return shown(erasure)
  }

  /** The erasures of a view, the newest first; of whom they were is not kept. */
  @Get(':namespace/:view')
  async list(@Param('namespace') namespace: string, @Param('view') name: string) {
    const stored = await findView(this.db, namespace, name)
    if (!stored) throw viewNotFound({ view: `${namespace}/${name}` })
    return { erasures: (await listErasures(this.db, stored.view.id)).map(shown) }
  }
}

const shown = ({ number, keySha256, erasedAt, deadline, by, flagged, doneAt }: Erasure) => ({
  erasure: number,
  status: doneAt === null ? 'pending' : 'done',
  keySha256,
  erasedAt: iso(erasedAt),
  deadline: iso(deadline),
  doneAt: doneAt === null ? null : iso(doneAt),
  by,
  datasets: flagged.datasets,
  versions: flagged.versions,
})
