import { type DataOf, type findingClosed, type findingOpened, type FindingType } from '@cascata/events'
import { type Database, type Tx } from '@cascata/messaging'

export type FindingData = DataOf<typeof findingOpened>

/** A finding as it was opened, and how it ended. */
export interface StoredFinding {
  readonly finding: string
  readonly episode: string
  /** The app that found it. */
  readonly by: string
  readonly namespace: string
  readonly model: string | null
  readonly view: string | null
  readonly type: FindingType
  readonly version: string | null
  readonly data: FindingData
  readonly openedAt: Date
  readonly closedAt: Date | null
  readonly reason: string | null
}

type Executor = Pick<Database, 'query'> | Pick<Tx, 'query'>

const columns = `finding, episode, by_app as by, namespace, model, view, type, version, data, opened_at as "openedAt", closed_at as "closedAt", reason`

export const openFindings = (db: Executor, namespace: string, model: string): Promise<StoredFinding[]> =>
  db.query<StoredFinding>(
    `select ${columns} from finding where namespace = $1 and model = $2 and by_app = 'monitor' and closed_at is null order by opened_at`,
    [namespace, model],
  )

/** Keeps a finding that was opened; the same one again changes nothing. */
export const keepOpened = (tx: Tx, by: string, data: FindingData, at: string) =>
  tx.query(
    `insert into finding (finding, episode, by_app, namespace, model, view, type, version, data, opened_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (finding) do nothing`,
    [
      data.finding,
      data.episode,
      by,
      data.namespace,
      data.model ?? null,
      data.view ?? null,
      data.type,
      data.version,
      JSON.stringify(data),
      at,
    ],
  )

export const keepClosed = (tx: Tx, { finding, reason }: Pick<DataOf<typeof findingClosed>, 'finding' | 'reason'>, at: string) =>
  tx.query(`update finding set closed_at = $2, reason = $3 where finding = $1 and closed_at is null`, [finding, at, reason])

export interface FindingFilter {
  readonly namespace?: string | undefined
  readonly model?: string | undefined
  readonly view?: string | undefined
  readonly state?: 'open' | 'closed' | undefined
  readonly type?: string | undefined
  readonly limit: number
}

/** Findings of every app, newest first. */
export const listFindings = (
  db: Executor,
  { namespace, model, view, state, type, limit }: FindingFilter,
): Promise<StoredFinding[]> =>
  db.query<StoredFinding>(
    `select ${columns} from finding
      where ($1::text is null or namespace = $1) and ($2::text is null or model = $2) and ($3::text is null or view = $3)
        and ($4::text is null or (closed_at is null) = ($4 = 'open')) and ($5::text is null or type = $5)
      order by opened_at desc, finding limit $6`,
    [namespace ?? null, model ?? null, view ?? null, state ?? null, type ?? null, limit],
  )

/** Open findings counted by model and type. */
export const countOpen = (db: Executor): Promise<{ namespace: string; model: string; type: FindingType; open: number }[]> =>
  db.query(
    `select namespace, coalesce(model, '') as model, type, count(*)::int as open from finding where closed_at is null group by 1, 2, 3`,
  )

/** Forgets findings that were closed more than so many days ago. */
export const forgetFindings = (db: Pick<Database, 'query'>, days: number) =>
  db.query(`delete from finding where closed_at < now() - make_interval(days => $1)`, [days])
