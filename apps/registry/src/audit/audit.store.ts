import { type Database, type Tx } from '@cascata/messaging'

/** One line of the record of who did what. */
export interface AuditEntry {
  readonly who: string
  /** `resource.applied`, `version.approved`, … */
  readonly action: string
  readonly namespace: string
  /** What it was done to: `Model/default/flight-delay`, `default/flight-delay/4`. */
  readonly subject: string
  readonly details?: Record<string, unknown>
}

interface AuditRow extends AuditEntry {
  readonly id: string
  readonly at: Date
}

export interface AuditQuery {
  /** Those that the reader may see. */
  readonly namespaces: readonly string[]
  readonly namespace?: string | undefined
  readonly subject?: string | undefined
  readonly who?: string | undefined
  readonly action?: string | undefined
  /** ISO 8601; entries that are not older. */
  readonly since?: string | undefined
  /** Entries older than this id. */
  readonly before?: string | undefined
  readonly limit: number
}

/** Writes an entry with what it records: both are there, or neither. */
export const record = async (tx: Tx, { who, action, namespace, subject, details = {} }: AuditEntry): Promise<void> => {
  await tx.query('insert into audit (who, action, namespace, subject, details) values ($1, $2, $3, $4, $5)', [
    who,
    action,
    namespace,
    subject,
    JSON.stringify(details),
  ])
}

/** Every namespace that is on record: read by skipping from one to the next, however long the record is. */
export const auditedNamespaces = async (db: Database): Promise<string[]> => {
  const rows = await db.query<{ namespace: string }>(
    `with recursive each as (
       (select namespace from audit order by namespace limit 1)
       union all
       select (select namespace from audit where audit.namespace > each.namespace order by namespace limit 1) from each
        where each.namespace is not null)
     select namespace from each where namespace is not null`,
  )
  return rows.map(({ namespace }) => namespace)
}

/** The record, newest first. */
export const readAudit = (
  db: Database,
  { namespaces, namespace, subject, who, action, since, before, limit }: AuditQuery,
): Promise<AuditRow[]> =>
  db.query<AuditRow>(
    `select id, at, who, action, namespace, subject, details from audit
      where ($1::text is null or namespace = $1) and ($2::text is null or subject = $2) and ($3::text is null or who = $3)
        and ($4::bigint is null or id < $4) and ($6::text is null or action = $6) and ($7::timestamptz is null or at >= $7)
        and namespace = any($8::text[])
      order by id desc limit $5`,
    [namespace ?? null, subject ?? null, who ?? null, before ?? null, limit, action ?? null, since ?? null, namespaces],
  )
