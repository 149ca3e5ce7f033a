import { type Database } from '@cascata/messaging'
import { currentPrincipal, mayAccess, Permission } from '@cascata/service'
import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common'
import { z } from 'zod'
import { modelNotFound } from '../errors.ts'
import { Parts } from '../parts.ts'
import { type CommandRollout } from './command-rollout.ts'
import { findDeployment, listRollouts } from './deployments.store.ts'
import { newRolloutId } from './on-facts.ts'
import { rolloutRowView, routeView } from './view.ts'

const version = z.string().regex(/^[1-9][0-9]{0,17}$/, 'a version is a whole number from 1')
const rollbackBody = z.object({ to: z.union([version, z.int().min(1).transform(String)]).optional() }).optional()

const listQuery = z.object({
  model: z.string().max(260).optional(),
  state: z.enum(['pending', 'shadow', 'step', 'held', 'paused', 'baking', 'completed', 'rolledback', 'superseded']).optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
})

/** `ns/name`, or a name in the namespace `default`. */
const nameOf = (model: string): { namespace: string; model: string } => {
  const [namespace, name] = model.includes('/') ? model.split('/', 2) : ['default', model]
  return { namespace: namespace!, model: name! }
}

@Controller('v1')
@Permission('viewer')
export class RolloutsController {
  private readonly db: Database
  private readonly command: CommandRollout

  constructor(@Inject(Parts.database) db: Database, @Inject(Parts.command) command: CommandRollout) {
    this.db = db
    this.command = command
  }

  /** What serves for a model, which rollout is under way, and on what evidence. */
  @Get('routes/:ns/:model')
  async route(@Param('ns') namespace: string, @Param('model') model: string) {
    const found = await findDeployment(this.db, { namespace, model })
    if (!found) throw modelNotFound({ model: `${namespace}/${model}` })
    return routeView(found)
  }

  /** Back to the champion, or to the version before it, or to the one named. */
  @Post('routes/:ns/:model/rollback')
  @HttpCode(200)
  @Permission('deployer')
  rollback(
    @Param('ns') namespace: string,
    @Param('model') model: string,
    @Body({ schema: rollbackBody }) body: z.infer<typeof rollbackBody>,
  ) {
    return this.command(
      { namespace, model },
      { is: 'rollback', by: currentPrincipal().name, to: body?.to ?? null, rollout: newRolloutId() },
    )
  }

  /** To all of the traffic at once; in bake: to its end. */
  @Post('routes/:ns/:model/promote')
  @HttpCode(200)
  @Permission('deployer')
  promote(@Param('ns') namespace: string, @Param('model') model: string) {
    return this.command({ namespace, model }, { is: 'promote', by: currentPrincipal().name })
  }

  @Post('routes/:ns/:model/pause')
  @HttpCode(200)
  @Permission('deployer')
  pause(@Param('ns') namespace: string, @Param('model') model: string) {
    return this.command({ namespace, model }, { is: 'pause', by: currentPrincipal().name })
  }

  @Post('routes/:ns/:model/resume')
  @HttpCode(200)
  @Permission('deployer')
  resume(@Param('ns') namespace: string, @Param('model') model: string) {
    return this.command({ namespace, model }, { is: 'resume', by: currentPrincipal().name })
  }

  /** The newest first. */
  @Get('rollouts')
  @Permission('viewer', { scope: 'handler' })
  async list(@Query({ schema: listQuery }) { model, ...query }: z.infer<typeof listQuery>) {
    const rows = await listRollouts(this.db, { ...(model === undefined ? {} : nameOf(model)), ...query })
    return { rollouts: rows.filter((row) => mayAccess(row.namespace, row.model)).map(rolloutRowView) }
  }
}
