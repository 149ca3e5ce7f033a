import { type Database } from '@cascata/messaging'
import { Permission } from '@cascata/service'
import { Controller, Get, Inject, Param, Query } from '@nestjs/common'
import { ApiParam, ApiQuery } from '@nestjs/swagger'
import { z } from 'zod'
import { modelNotWatched, questionInvalid } from '../errors.ts'
import { listFindings } from '../findings/findings.store.ts'
import { Parts } from '../parts.ts'
import { type Realised, realised } from '../realised/realised.ts'
import { findVersion, type WatchedVersion } from '../versions/versions.store.ts'
import { windowsOfModel } from '../windows/windows.store.ts'
import { modelView } from './model-view.ts'
import { findModel } from './models.store.ts'
import { appliedModel } from './spec-of.ts'

const listing = z.object({ windows: z.coerce.number().int().min(0).max(1000).default(20) })

const instant = z.iso.datetime({ offset: true }).transform((text) => new Date(text))
const comparison = z.object({
  versions: z
    .string()
    .regex(/^\d+(,\d+)*$/, 'versions are whole numbers, separated by commas')
    .transform((text) => [...new Set(text.split(','))])
    .refine((versions) => versions.length <= 10, 'at most 10 versions'),
  from: instant,
  to: instant,
})

const asked = <T>(schema: z.ZodType<T>, query: unknown): T => {
  const parsed = schema.safeParse(query)
  if (parsed.success) return parsed.data
  throw questionInvalid({ problems: parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) })
}

@Controller('v1/models')
@Permission('viewer')
export class ModelsController {
  private readonly db: Database

  constructor(@Inject(Parts.database) db: Database) {
    this.db = db
  }

  /** Windows (newest first, all versions), measures by input, performance, open findings. */
  @Get(':namespace/:name')
  @ApiParam({ name: 'namespace', type: 'string' })
  @ApiParam({ name: 'name', type: 'string' })
  @ApiQuery({ name: 'windows', type: 'integer', required: false, description: 'How many windows; 20.' })
  async get(@Param('namespace') namespace: string, @Param('name') name: string, @Query() query: unknown): Promise<object> {
    const { windows: limit } = asked(listing, query)
    const applied = await appliedModel(this.db, namespace, name)
    const watched = await findModel(this.db, `${namespace}/${name}`)
    if (!watched) throw modelNotWatched({ model: `${namespace}/${name}` })
    const windows = await windowsOfModel(this.db, watched.model, limit)
    const findings = await listFindings(this.db, { namespace, model: name, state: 'open', limit: 100 })
    const names = new Set([...windows.map(({ version }) => version), ...(watched.champion === null ? [] : [watched.champion])])
    const versions = new Map<string, WatchedVersion>()
    for (const version of names) {
      const known = await findVersion(this.db, watched.model, version)
      if (known) versions.set(version, known)
    }
    return modelView(watched, applied, { windows, versions, findings })
  }

  /** What labels say about versions, by the answers that a split gave them by chance. */
  @Get(':namespace/:name/realised')
  @ApiParam({ name: 'namespace', type: 'string' })
  @ApiParam({ name: 'name', type: 'string' })
  @ApiQuery({ name: 'versions', type: 'string', description: 'Separated by commas; the last is compared with the first.' })
  @ApiQuery({ name: 'from', type: 'string', description: 'Data time, ISO 8601, inclusive.' })
  @ApiQuery({ name: 'to', type: 'string', description: 'Data time, ISO 8601, exclusive.' })
  async realised(@Param('namespace') namespace: string, @Param('name') name: string, @Query() query: unknown): Promise<Realised> {
    const question = asked(comparison, query)
    const applied = await appliedModel(this.db, namespace, name)
    if (!applied) throw modelNotWatched({ model: `${namespace}/${name}` })
    return realised(this.db, applied, question)
  }
}
