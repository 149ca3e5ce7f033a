import { type View } from '../feature-views/view.ts'
import { quoted } from '../offline/duckdb.ts'
import { groupedSql, orderSql, partialNames, singleSql, tileSql } from '../windows/tile-sql.ts'
import { type Level, type WindowFeature } from '../windows/window-plan.ts'
import { historySql, keyColumns, rowsSql, type ViewRows } from './history-sql.ts'

const levelTable = (level: number) => `level_${level}`

/**
 * Statements that make the table `name` (rid, and aggregates by name) of a windowed view as of each `at_ms`: what was served then.
 * They answer for the rows of the table `asked` (rid, at_ms, and the view's key as `k0…`), whose keys are in `wanted`.
 *
 * Rows that were available by then, with event time from the tail of the window on, which lies on the hop. They are summed up by tile:
 * a tile of which everything was available by then counts as a whole, of any other the rows are looked at one by one.
 *
 * @param fields Names of the aggregates that are wanted.
 */
export function windowJoinSql(name: string, rows: ViewRows, fields: readonly string[]): string[] {
  const { view } = rows
  const plan = view.windows!
  const wanted = plan.features.filter((feature) => fields.includes(feature.name))
  const levels = [...new Set(wanted.map(({ level }) => level))].sort((a, b) => a - b)
  const perLevel = levels.flatMap((level) =>
    levelSql(
      level,
      plan.levels[level]!,
      view,
      wanted.filter((feature) => feature.level === level),
    ),
  )
  const columns = wanted.map(({ name: field, fn }) => {
    const value = quoted(field)
    return fn === 'count' ? `coalesce(${value}, 0) as ${value}` : value
  })
  return [
    historySql('history', rows, [], { all: false }),
    seenSql(view),
    'drop table history',
    windowRowsSql(
      rows,
      levels.flatMap((level) => inputsOf(plan.levels[level]!)),
      plan.longest + 86_400_000,
    ),
    ...perLevel,
    `create temp table ${name} as select rid, ${columns.join(', ')} from window_seen
       ${levels.map((level) => `left join ${levelTable(level)} using (rid)`).join(' ')}`,
    ...['window_seen', 'window_rows', ...levels.map(levelTable)].map((table) => `drop table ${table}`),
  ]
}

const inputsOf = ({ slots }: Level): string[] => slots.flatMap(({ field }) => (field === null ? [] : [field]))

/** The rows whose entity had been seen, and recently enough: the ttl counts from its newest row. */
function seenSql({ entity, spec }: View): string {
  const keys = keyColumns(entity.length)
  const fresh = spec.ttl === null ? '' : `where l.at_ms - h.et <= ${spec.ttl}`
  return `create temp table window_seen as
    select l.rid, l.at_ms, ${keys.map((key) => `l.${key}`).join(', ')}
      from asked l asof join history h on ${keys.map((key) => `l.${key} = h.${key}`).join(' and ')} and l.at_ms >= h.av ${fresh}`
}

/** The rows that any window can reach. */
function windowRowsSql(rows: ViewRows, inputs: readonly string[], reach: number): string {
  const fields = [...new Set(inputs)]
  const keys = keyColumns(rows.view.entity.length)
  return `create temp table window_rows as
    select ${[...keys, 'et', 'av', `${orderSql} as o`, ...fields.map(quoted)].join(', ')} from (${rowsSql(rows, fields)})
     where not del and et >= (select min(at_ms) from window_seen) - ${reach}`
}

function levelSql(index: number, level: Level, { entity }: View, features: readonly WindowFeature[]): string[] {
  const { hop } = level
  const keys = keyColumns(entity.length)
  const longest = Math.max(...features.map(({ window }) => window))
  const partials = level.slots.flatMap(partialNames)
  const pairs = `(select rid, at_ms, ${keys.join(', ')},
      unnest(range(${tileSql(`at_ms - ${longest}`, hop)}, ${tileSql('at_ms', hop)} + 1)) as tile from window_seen)`
  const on = (other: string) => keys.map((key) => `p.${key} = ${other}.${key}`).join(' and ')
  const pieces = `
    select p.rid, p.at_ms, p.tile, ${partials.map((partial) => `t.${partial}`).join(', ')}
      from ${pairs} p join tiles t on ${on('t')} and p.tile = t.tile where t.settled <= p.at_ms
    union all
    select p.rid, p.at_ms, p.tile, ${singleSql(level, 'r.').join(', ')}
      from ${pairs} p join tiles t on ${on('t')} and p.tile = t.tile join window_rows r on ${on('r')} and p.tile = ${tileSql('r.et', hop)}
     where t.settled > p.at_ms and r.av <= p.at_ms`
  const spread = features.filter(({ fn }) => fn === 'stddev')
  const means = [...new Map(spread.map((feature) => [meanName(feature), feature])).values()]
  const first = `select rid, ${[...features.filter(({ fn }) => fn !== 'stddev').map(mergedSql), ...means.map(meanSql)].join(', ')}
      from (${pieces}) group by rid`
  const table = levelTable(index)
  return [
    `create temp table tiles as
       select ${keys.join(', ')}, ${tileSql('et', hop)} as tile, max(av) as settled, ${groupedSql(level).join(', ')}
         from window_rows group by ${keys.join(', ')}, ${tileSql('et', hop)}`,
    `create temp table ${table} as ${spread.length === 0 ? first : withSpread(first, pieces, features, spread)}`,
    'drop table tiles',
  ]

  function tail({ window }: WindowFeature): string {
    return `(where tile >= ${tileSql(`at_ms - ${window}`, hop)})`
  }

  function mergedSql(feature: WindowFeature): string {
    const { fn, slot, name } = feature
    const over = (aggregate: string) => `${aggregate} filter ${tail(feature)}`
    const value = {
      count: () => `${over(`sum(n${slot})`)}::BIGINT`,
      sum: () => finiteSql(over(`fsum(s${slot})`)),
      mean: () => finiteSql(`${over(`fsum(s${slot})`)} / ${over(`sum(n${slot})`)}`),
      min: () => over(`min(x${slot})`),
      max: () => over(`max(y${slot})`),
      last: () => over(`arg_max(l${slot}, p${slot})`),
      stddev: () => '',
    }[fn]()
    return `${value} as ${quoted(name)}`
  }

  function meanSql(feature: WindowFeature): string {
    const { slot } = feature
    const over = (aggregate: string) => `${aggregate} filter ${tail(feature)}`
    return `${over(`sum(a${slot} * n${slot})`)} / ${over(`sum(n${slot})`)} as ${meanName(feature)}`
  }

  /** In a second pass, as deviations are from the mean of the whole window. */
  function withSpread(base: string, from: string, all: readonly WindowFeature[], own: readonly WindowFeature[]): string {
    const spreads = own.map((feature) => {
      const { slot, name } = feature
      const away = `(a${slot} - ${meanName(feature)})`
      const squares = `sum(q${slot} + n${slot} * ${away} * ${away}) filter ${tail(feature)}`
      return `${finiteSql(`sqrt(${squares} / sum(n${slot}) filter ${tail(feature)})`)} as ${quoted(name)}`
    })
    const names = all.map(({ name }) => quoted(name)).join(', ')
    return `with base as materialized (${base}), spread as (
        select rid, ${spreads.join(', ')} from (${from}) join base using (rid) group by rid)
      select rid, ${names} from base left join spread using (rid)`
  }
}

const meanName = ({ slot, window }: WindowFeature): string => `mean_${slot}_${window}`

/** A result that is no number, or beyond the range of one, is null. */
const finiteSql = (value: string): string => `case when isfinite(${value}) then ${value} end`
