import { type DuckDBConnection } from '@duckdb/node-api'
import { quoted, rowsOf as query, runAll } from '../offline/duckdb.ts'
import { keyColumns, rowsSql, type ViewRows } from '../datasets/history-sql.ts'

/** How a model's labels ripen. Durations in ms. */
export interface RipenessRule {
  /** The timestamp field of the observations' view, null: when a row became available. */
  readonly at: string | null
  readonly lead: number
  readonly labelField: string
  readonly within: number
}

/** What came to a model since the last time: rows of its observations' view and of its label's. */
export interface Arrivals {
  readonly observations: ViewRows
  readonly labels: ViewRows
  /** The last segments among them. */
  readonly upTo: Progress
  /** Whether some of the rows may have come before: in a segment that has been merged into these since. */
  readonly again: boolean
}

/** Positions of the last segments that were counted. */
export interface Progress {
  readonly observations: number
  readonly labels: number
}

export interface Ripeness {
  readonly ripe: number
  readonly labelled: number
}

/** The counters of one model: what they were counted from, and up to where. */
export interface RipenessState {
  progress(): Promise<Progress>
  /**
   * Takes new rows in and moves the cutoff on, all or nothing.
   *
   * @param cutoff `at` up to which observations are ripe, Unix ms; never less than before. Null: not moved, more rows are to come first.
   */
  advance(arrivals: Arrivals | null, cutoff: number | null): Promise<Ripeness>
  close(): void
}

const tables = `
  create table if not exists observed (key VARCHAR, at_ms BIGINT, et BIGINT, av BIGINT, ep INTEGER, pa INTEGER, ofs BIGINT, live BOOLEAN, labelled BOOLEAN);
  create table if not exists said (key VARCHAR, et BIGINT, av BIGINT, ep INTEGER, pa INTEGER, ofs BIGINT, label BOOLEAN);
  create table if not exists counter (observations BIGINT, labels BIGINT, cutoff BIGINT, ripe BIGINT, labelled BIGINT);
  insert into counter select 0, 0, null, 0, 0 where not exists (select 1 from counter)`

/** The online rule between two rows. */
const beats = (a: string, b: string) =>
  `(${['et', 'av', 'ep', 'pa', 'ofs'].map((each) => `${a}.${each}`).join(', ')}) > (${['et', 'av', 'ep', 'pa', 'ofs'].map((each) => `${b}.${each}`).join(', ')})`

/**
 * Opens the counters in an attached database.
 *
 * An observation is live while no row that was available by its `at` beats it, which only ever ends; it is labelled when the winner
 * among the label's rows with event time in (at, at + within] is one. A new row can change only observations whose `at` is not before it:
 * counting looks at those alone, never at the history behind them.
 */
export async function openRipeness(connection: DuckDBConnection, rule: RipenessRule): Promise<RipenessState> {
  await runAll(connection, tables.split(';'))
  return {
    async progress() {
      const [row] = await query<Record<keyof Progress, bigint>>(connection, 'select observations, labels from counter')
      return { observations: Number(row!.observations), labels: Number(row!.labels) }
    },

    async advance(arrivals, cutoff) {
      await connection.run('begin')
      try {
        if (arrivals) await takeIn(connection, rule, arrivals)
        await recount(connection, cutoff, arrivals?.upTo)
        await connection.run('commit')
      } catch (error) {
        await connection.run('rollback').catch(() => {})
        throw error
      } finally {
        await runAll(connection, [
          'drop table if exists new_observed',
          'drop table if exists new_said',
          'drop table if exists touched',
        ])
      }
      const [counts] = await query<Record<keyof Ripeness, bigint>>(connection, 'select ripe, labelled from counter')
      return { ripe: Number(counts!.ripe), labelled: Number(counts!.labelled) }
    },
    close: () => connection.closeSync(),
  }
}

const keyText = (count: number) =>
  count === 1
    ? 'k0::VARCHAR'
    : `to_json([${keyColumns(count)
        .map((column) => `${column}::VARCHAR`)
        .join(', ')}])::VARCHAR`

async function takeIn(
  connection: DuckDBConnection,
  { at, lead, labelField, within }: RipenessRule,
  { observations, labels, again }: Arrivals,
): Promise<void> {
  const due = at === null ? 'av' : `epoch_ms(${quoted(at)}) - ${lead}`
  await runAll(connection, [
    `create temp table new_observed as
       select ${keyText(observations.view.entity.length)} as key, case when del then null else ${due} end as at_ms, et, av, ep, pa, ofs
         from (${rowsSql(observations, at === null ? [] : [at])})`,
    `create temp table new_said as
       select ${keyText(labels.view.entity.length)} as key, et, av, ep, pa, ofs, not del and ${quoted(labelField)} is not null as label
         from (${rowsSql(labels, [labelField])})`,
    ...(again ? [unseen('new_observed', 'observed'), unseen('new_said', 'said')] : []),
    // The first `at` that these rows can change: what lies before it stays counted as it is.
    `create temp table touched as select least((select min(av) from new_observed), (select min(et) - ${within} from new_said)) as since`,
    `update counter set ripe = ripe - (select count(*) ${counted}), labelled = labelled - (select count(*) filter (labelled) ${counted})`,
    'insert into observed select key, at_ms, et, av, ep, pa, ofs, at_ms is not null and av <= at_ms, false from new_observed',
    'insert into said select * from new_said',
    `update observed set live = false
       where live and at_ms >= (select since from touched)
         and exists (select 1 from new_observed n where n.key = observed.key and n.av <= observed.at_ms and ${beats('n', 'observed')})`,
    `update observed set live = false
       where live and (key, et, av, ep, pa, ofs) in (
         select n.key, n.et, n.av, n.ep, n.pa, n.ofs from new_observed n join observed o
             on o.key = n.key and o.av <= n.at_ms and ${beats('o', 'n')}
          where o.et >= (select min(et) from new_observed))`,
    `update observed set labelled = coalesce((
         select arg_max(s.label, row(s.et, s.av, s.ep, s.pa, s.ofs)) from said s
          where s.key = observed.key and s.et > observed.at_ms and s.et <= observed.at_ms + ${within}), false)
       where live and at_ms >= (select since from touched)
         and (exists (select 1 from new_said n where n.key = observed.key and n.et > observed.at_ms and n.et <= observed.at_ms + ${within})
           or (key, et, av, ep, pa, ofs) in (select key, et, av, ep, pa, ofs from new_observed))`,
    `update counter set ripe = ripe + (select count(*) ${counted}), labelled = labelled + (select count(*) filter (labelled) ${counted})`,
  ])
}

const unseen = (rows: string, kept: string): string =>
  `delete from ${rows} where exists (select 1 from ${kept} k where (k.ep, k.pa, k.ofs) = (${rows}.ep, ${rows}.pa, ${rows}.ofs))`

/** Ripe observations that new rows may have changed. */
const counted = 'from observed where live and at_ms >= (select since from touched) and at_ms <= (select cutoff from counter)'

async function recount(connection: DuckDBConnection, cutoff: number | null, upTo: Progress | undefined): Promise<void> {
  if (upTo) await connection.run(`update counter set observations = ${upTo.observations}, labels = ${upTo.labels}`)
  if (cutoff === null) return
  const ripened = `from observed where live and at_ms <= ${cutoff} and ((select cutoff from counter) is null or at_ms > (select cutoff from counter))`
  await connection.run(
    `update counter set ripe = ripe + (select count(*) ${ripened}), labelled = labelled + (select count(*) filter (labelled) ${ripened}),
            cutoff = greatest(coalesce(cutoff, ${cutoff}), ${cutoff})`,
  )
}
