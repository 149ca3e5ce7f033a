import { type Database } from '@cascata/messaging'
import { mayAccess, Permission } from '@cascata/service'
import { Controller, Get, Inject, Query } from '@nestjs/common'
import { z } from 'zod'
import { Parts } from '../parts.ts'
import { auditedNamespaces, readAudit } from './audit.store.ts'

const text = z.string().max(500).optional()
const query = z.object({
  namespace: text,
  subject: text,
  who: text,
  action: text,
  since: z.iso.datetime({ offset: true }).optional(),
  before: z
    .string()
    .regex(/^\d{1,18}$/)
    .optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
})

@Controller('v1/audit')
@Permission('viewer', { scope: 'handler' })
export class AuditController {
  private readonly db: Database

  constructor(@Inject(Parts.database) db: Database) {
    this.db = db
  }

  /** Who did what, newest first; `before` takes the id of the last entry for the next page. */
  @Get()
  async list(@Query({ schema: query }) asked: z.infer<typeof query>) {
    const namespaces = (await auditedNamespaces(this.db)).filter((namespace) => mayAccess(namespace))
    return readAudit(this.db, { ...asked, namespaces })
  }
}
