import { type Database } from '@cascata/messaging'
import { mayAccess, Permission } from '@cascata/service'
import { Controller, Get, Inject, Query } from '@nestjs/common'
import { ApiQuery } from '@nestjs/swagger'
import { z } from 'zod'
import { questionInvalid } from '../errors.ts'
import { findingView } from '../models/model-view.ts'
import { Parts } from '../parts.ts'
import { listFindings } from './findings.store.ts'

const name = z.string().min(1).max(401).optional()
const filter = z.object({
  namespace: name,
  model: name,
  view: name,
  type: z.string().max(50).optional(),
  state: z.enum(['open', 'closed']).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
})

/** `ns/name` or, in the default namespace, `name`. */
const qualified = (text: string | undefined, namespace: string | undefined) => {
  if (text === undefined) return { namespace, name: undefined }
  const [first = '', second] = text.split('/')
  return second === undefined ? { namespace: namespace ?? 'default', name: first } : { namespace: first, name: second }
}

@Controller('v1/findings')
@Permission('viewer', { scope: 'handler' })
export class FindingsController {
  private readonly db: Database

  constructor(@Inject(Parts.database) db: Database) {
    this.db = db
  }

  /** Findings of the monitor and of the feature store, newest first. */
  @Get()
  @ApiQuery({ name: 'model', type: 'string', required: false, description: 'ns/name, or a name of the default namespace.' })
  @ApiQuery({ name: 'view', type: 'string', required: false, description: 'ns/name, or a name of the default namespace.' })
  @ApiQuery({ name: 'namespace', type: 'string', required: false })
  @ApiQuery({ name: 'type', type: 'string', required: false })
  @ApiQuery({ name: 'state', enum: ['open', 'closed'], required: false })
  @ApiQuery({ name: 'limit', type: 'integer', required: false, description: '100, at most 1000.' })
  async list(@Query() query: unknown): Promise<object> {
    const parsed = filter.safeParse(query)
    if (!parsed.success)
      throw questionInvalid({ problems: parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) })
    const { namespace, model, view, ...rest } = parsed.data
    const about = qualified(model ?? view, namespace)
    const found = await listFindings(this.db, {
      ...rest,
      namespace: about.namespace,
      model: model === undefined ? undefined : about.name,
      view: view === undefined ? undefined : about.name,
    })
    return { findings: found.filter((each) => mayAccess(each.namespace, each.model ?? each.view ?? undefined)).map(findingView) }
  }
}
