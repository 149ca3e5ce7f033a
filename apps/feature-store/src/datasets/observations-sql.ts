import { type Dialect } from '../offline/dialects.ts'
import { type ViewRows, historyStep, keyColumns } from './history-sql.ts'
import { type Step } from './steps.ts'

/** What the rows of the observations' view came to. */
export interface ObservationCounts {
  /** Rows of the view, tombstones aside, that the online store ever showed. */
  rows: number
  observations: number
  /** Superseded at, or before, their own `at`. */
  superseded: number
  /** Became available only after their own `at`. */
  late: number
  /** Without an `at`. */
  without: number
}

/**
 * The table `seen`: a row for each time that an entity's row changed, with its `at` (ms) and until when it was shown.
 *
 * @param at The timestamp field; null: when the row became available.
 * @param lead In ms.
 */
export function seenSteps(rows: ViewRows, at: string | null, lead: number, dialect: Dialect): Step[] {
  const keys = keyColumns(rows.view.entity.length).join(', ')
  const due = at === null ? 'av' : `${dialect.msOf(dialect.quoted(at))} - ${lead}`
  return [
    historyStep('observed_history', rows, at === null ? [] : [at], { all: true, dialect }),
    {
      table: 'seen',
      as: `select ${keys}, av, del, case when del then null else ${due} end as at_ms,
                  lead(av) over (partition by ${keys} order by av) as until
             from observed_history`,
    },
    { drop: ['observed_history'] },
  ]
}

/** Which rows of `seen` are observations: shown at their own `at`. */
export const isObservation = 'not del and at_ms is not null and av <= at_ms and (until is null or until > at_ms)'

/** Counts what became of the rows of `seen`. */
export const countsSql = `
  select count(*) filter (where not del) as rows,
         count(*) filter (where ${isObservation}) as observations,
         count(*) filter (where not del and at_ms is not null and av <= at_ms and until <= at_ms) as superseded,
         count(*) filter (where not del and av > at_ms) as late,
         count(*) filter (where not del and at_ms is null) as without
    from seen`

/**
 * The table `spine` of the observations: entity fields by name and `at_ms`.
 *
 * @param from Exclusive, `to` inclusive, in ms; null: no bound.
 */
export function observationsStep(
  entity: readonly string[],
  { from, to }: { from: number | null; to: number },
  { quoted }: Dialect,
): Step {
  const named = entity.map((name, index) => `k${index} as ${quoted(name)}`).join(', ')
  return {
    table: 'spine',
    as: `select ${named}, at_ms from seen where ${isObservation} and at_ms <= ${to} ${from === null ? '' : `and at_ms > ${from}`}`,
  }
}
