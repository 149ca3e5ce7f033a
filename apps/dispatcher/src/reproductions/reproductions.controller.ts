import { randomUUID } from 'node:crypto'
import { type Database } from '@cascata/messaging'
import { type Clock, currentPrincipal, Permission, requireAccess } from '@cascata/service'
import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common'
import { z } from 'zod'
import { reproductionNotFound, reproductionsFull } from '../errors.ts'
import { Parts } from '../parts.ts'
import { nameOf } from '../runs/runs.controller.ts'
import { type Reproduction } from './reproduction.ts'
import { askReproduction, findReproduction, openReproductions, reproductionsOf } from './reproductions.store.ts'

/** Each is a training: so many wait at most. */
const mostOpen = 20

const asked = z.object({
  model: z.string().min(1).max(400),
  namespace: z.string().max(200).optional(),
  version: z.string().regex(/^[1-9][0-9]{0,17}$/),
})

const tell = ({ id, ...rest }: Reproduction) => ({ reproduction: id, ...rest })

/** Versions made once more from their record. */
@Controller('v1/reproductions')
@Permission('viewer', { scope: 'handler' })
export class ReproductionsController {
  private readonly db: Database
  private readonly clock: Clock

  constructor(@Inject(Parts.database) db: Database, @Inject(Parts.clock) clock: Clock) {
    this.db = db
    this.clock = clock
  }

  /** Asks for it; it ends as `done` with what came out, or as `failed`. */
  @Post()
  @HttpCode(202)
  @Permission('trainer', { scope: 'handler' })
  async post(@Body({ schema: asked }) body: z.infer<typeof asked>) {
    const name = nameOf(body.model, body.namespace)
    requireAccess(name.namespace, name.model)
    if ((await openReproductions(this.db)) >= mostOpen) throw reproductionsFull({ limit: mostOpen })
    const made = { id: `p-${randomUUID()}`, ...name, version: body.version, askedBy: currentPrincipal().name }
    return tell(await askReproduction(this.db, made, new Date(this.clock.now())))
  }

  /** Of a model, newest first. */
  @Get()
  async list(@Query('model') model = '', @Query('version') version?: string) {
    const name = nameOf(model)
    requireAccess(name.namespace, name.model)
    return (await reproductionsOf(this.db, name.namespace, name.model, version ?? null)).map(tell)
  }

  @Get(':id')
  async get(@Param('id') id: string) {
    const found = await findReproduction(this.db, id)
    if (!found) throw reproductionNotFound({ reproduction: id.slice(0, 100) })
    requireAccess(found.namespace, found.model)
    return tell(found)
  }
}
