import { type View } from '../feature-views/view.ts'
import { type Dialect } from '../offline/dialects.ts'
import { groupedSql, partialNames, singleSql } from '../windows/tile-sql.ts'
import { type Level, type WindowFeature } from '../windows/window-plan.ts'
import { historyStep, keyColumns, rowsSql, type ViewRows } from './history-sql.ts'
import { type Step } from './steps.ts'

const levelTable = (level: number) => `level_${level}`

/**
 * The table `name` (rid, and aggregates by name) of a windowed view as of each `at_ms`: what was served then.
 * It answers for the rows of the table `asked` (rid, at_ms, and the view's key as `k0…`), whose keys are in `wanted`.
 *
 * Rows that were available by then, with event time from the tail of the window on, which lies on the hop. They are summed up by tile:
 * a tile of which everything was available by then counts as a whole, of any other the rows are looked at one by one.
 *
 * @param fields Names of the aggregates that are wanted.
 */
export function windowJoinSteps(name: string, rows: ViewRows, fields: readonly string[], dialect: Dialect): Step[] {
  const { quoted } = dialect
  const { view } = rows
  const plan = view.windows!
  const wanted = plan.features.filter((feature) => fields.includes(feature.name))
  const levels = [...new Set(wanted.map(({ level }) => level))].sort((a, b) => a - b)
  const perLevel = levels.flatMap((level) =>
    levelSteps(
      dialect,
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
    historyStep('history', rows, [], { all: false, dialect }),
    seenStep(view, dialect),
    { drop: ['history'] },
    windowRowsStep(
      rows,
      levels.flatMap((level) => inputsOf(plan.levels[level]!)),
      plan.longest + 86_400_000,
      dialect,
    ),
    ...perLevel,
    {
      table: name,
      as: `select rid, ${columns.join(', ')} from window_seen ${levels.map((level) => `left join ${levelTable(level)} using (rid)`).join(' ')}`,
    },
    { drop: ['window_seen', 'window_rows', ...levels.map(levelTable)] },
  ]
}

const inputsOf = ({ slots }: Level): string[] => slots.flatMap(({ field }) => (field === null ? [] : [field]))

/** The rows whose entity had been seen, and recently enough: the ttl counts from its newest row. */
function seenStep({ entity, spec }: View, { asOf }: Dialect): Step {
  const keys = keyColumns(entity.length)
  const pairs = asOf({
    keys,
    left: { from: 'asked', at: 'at_ms', columns: ['rid', 'at_ms'] },
    right: { from: 'history', at: 'av', columns: ['et'] },
    where: spec.ttl === null ? [] : [`l.at_ms - h.et <= ${spec.ttl}`],
  })
  return { table: 'window_seen', as: `select l.rid, l.at_ms, ${keys.map((key) => `l.${key}`).join(', ')} ${pairs}` }
}

/** The rows that any window can reach. */
function windowRowsStep(rows: ViewRows, inputs: readonly string[], reach: number, dialect: Dialect): Step {
  const fields = [...new Set(inputs)]
  const keys = keyColumns(rows.view.entity.length)
  return {
    table: 'window_rows',
    as: `select ${[...keys, 'et', 'av', `${dialect.place} as o`, ...fields.map(dialect.quoted)].join(', ')}
      from (${rowsSql(rows, fields, dialect)})
     where not del and et >= (select min(at_ms) from window_seen) - ${reach}`,
  }
}

function levelSteps(dialect: Dialect, index: number, level: Level, { entity }: View, features: readonly WindowFeature[]): Step[] {
  const { quoted, tile } = dialect
  const { hop } = level
  const keys = keyColumns(entity.length)
  const longest = Math.max(...features.map(({ window }) => window))
  const partials = level.slots.flatMap(partialNames)
  const pairs = `(select rid, at_ms, ${keys.join(', ')},
      ${dialect.eachOf(tile(`(at_ms - ${longest})`, hop), tile('at_ms', hop))} as tile from window_seen)`
  const on = (other: string) => keys.map((key) => `p.${key} = ${other}.${key}`).join(' and ')
  const pieces = `
    select p.rid, p.at_ms, p.tile, ${partials.map((partial) => `t.${partial}`).join(', ')}
      from ${pairs} p join tiles t on ${on('t')} and p.tile = t.tile where t.settled <= p.at_ms
    union all
    select p.rid, p.at_ms, p.tile, ${singleSql(level, 'r.', dialect).join(', ')}
      from ${pairs} p join tiles t on ${on('t')} and p.tile = t.tile join window_rows r on ${on('r')} and p.tile = ${tile('r.et', hop)}
     where t.settled > p.at_ms and r.av <= p.at_ms`
  const spread = features.filter(({ fn }) => fn === 'stddev')
  const means = [...new Map(spread.map((feature) => [meanName(feature), feature])).values()]
  const first = `select rid, ${[...features.filter(({ fn }) => fn !== 'stddev').map(mergedSql), ...means.map(meanSql)].join(', ')}
      from (${pieces}) group by rid`
  return [
    {
      table: 'tiles',
      as: `select ${keys.join(', ')}, ${tile('et', hop)} as tile, max(av) as settled, ${groupedSql(level, dialect).join(', ')}
         from window_rows group by ${keys.join(', ')}, ${tile('et', hop)}`,
    },
    { table: levelTable(index), as: spread.length === 0 ? first : withSpread(first, pieces, features, spread) },
    { drop: ['tiles'] },
  ]

  function tail({ window }: WindowFeature): string {
    return `(where tile >= ${tile(`(at_ms - ${window})`, hop)})`
  }

  function mergedSql(feature: WindowFeature): string {
    const { fn, slot, name } = feature
    const over = (aggregate: string) => `${aggregate} filter ${tail(feature)}`
    const value = {
      count: () => `cast(${over(`sum(n${slot})`)} as bigint)`,
      sum: () => finiteSql(over(dialect.sum(`s${slot}`))),
      mean: () => finiteSql(`${over(dialect.sum(`s${slot}`))} / nullif(${over(`sum(n${slot})`)}, 0)`),
      min: () => over(`min(x${slot})`),
      max: () => over(`max(y${slot})`),
      last: () => over(dialect.valueAtGreatest(`l${slot}`, `p${slot}`)),
      stddev: () => '',
    }[fn]()
    return `${value} as ${quoted(name)}`
  }

  function meanSql(feature: WindowFeature): string {
    const { slot } = feature
    const over = (aggregate: string) => `${aggregate} filter ${tail(feature)}`
    return `${over(`sum(a${slot} * n${slot})`)} / nullif(${over(`sum(n${slot})`)}, 0) as ${meanName(feature)}`
  }

  /** In a second pass, as deviations are from the mean of the whole window. */
  function withSpread(base: string, from: string, all: readonly WindowFeature[], own: readonly WindowFeature[]): string {
    const spreads = own.map((feature) => {
      const { slot, name } = feature
      const away = `(a${slot} - ${meanName(feature)})`
      const squares = `sum(q${slot} + n${slot} * ${away} * ${away}) filter ${tail(feature)}`
      return `${finiteSql(`sqrt(${squares} / nullif(sum(n${slot}) filter ${tail(feature)}, 0))`)} as ${quoted(name)}`
    })
    const names = all.map(({ name }) => quoted(name)).join(', ')
    return `with base as ${dialect.materialized} (${base}), spread as (
        select rid, ${spreads.join(', ')} from (${from}) join base using (rid) group by rid)
      select rid, ${names} from base left join spread using (rid)`
  }
}

const meanName = ({ slot, window }: WindowFeature): string => `mean_${slot}_${window}`

/** A result that is no number, or beyond the range of one, is null. */
const finiteSql = (value: string): string => `case when abs(${value}) < cast('infinity' as double) then ${value} end`
