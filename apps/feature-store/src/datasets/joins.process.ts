import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { aView } from '../feature-views/a-view.ts'
import { type Duck, literal, openDuck, runAll } from '../offline/duckdb.ts'
import { buildDataset, datasetPath } from './build-dataset.ts'
import { decidePlan, type DatasetPlan } from './decide-plan.ts'
import { type ViewRows } from './history-sql.ts'

/*
 * For `npm run bench features`: builds a dataset from segments and a spine that it makes up, and does the same by SQL written by hand.
 * Arguments: a folder, observations, views, rows a view, memory in bytes. Tells its parent seconds, CPU seconds and its peak of memory.
 */
const [folder, ...numbers] = process.argv.slice(2) as [string, ...string[]]
const [observations, viewCount, rows, memory] = numbers.map(Number) as [number, number, number, number]
const fields = 10
const entities = Math.ceil(rows / 50)
const span = 30 * 86_400_000
const start = Date.parse('2001-01-01T00:00:00Z')

const views = Array.from({ length: viewCount }, (_, index) =>
  aView({
    id: index + 1,
    name: `v${index}`,
    entity: ['id'],
    time: 'seenAt',
    ttl: 20 * 86_400_000,
    fields: {
      id: 'int',
      seenAt: 'timestamp',
      ...Object.fromEntries(Array.from({ length: fields }, (_, f) => [`f${f}`, 'double' as const])),
    },
  }),
)
const columns = Array.from({ length: fields }, (_, f) => `f${f}`)
const segment = (view: number) => join(folder, `segment-${view}.parquet`)
const spine = join(folder, 'spine.parquet')

/** One in ten rows comes late, by up to a day. */
const segmentSql = (view: number) => `copy (
  select (hash(i * 7 + ${view}) % ${entities})::BIGINT as id, epoch_ms((et)::BIGINT)::TIMESTAMPTZ as "seenAt",
         ${columns.map((name, f) => `(hash(i + ${view * 100 + f}) % 1000000)::DOUBLE / 1000 as ${name}`).join(', ')},
         (i % 4)::INTEGER as __partition, i::BIGINT as __offset, 0::INTEGER as __epoch, epoch_ms((et)::BIGINT)::TIMESTAMPTZ as __event_time,
         epoch_ms((et + case when i % 10 = 0 then hash(i) % 86400000 else 0 end)::BIGINT)::TIMESTAMPTZ as __available_at, false as __deleted,
         epoch_ms((et)::BIGINT)::TIMESTAMPTZ as __ingested_at, 1::INTEGER as __revision
    from (select i, ${start} + (i * ${span}) // ${rows} as et from range(${rows}) as t(i))
) to ${literal(segment(view))} (format parquet, compression zstd)`
const spineSql = `copy (
  select (hash(i * 13) % ${entities})::BIGINT as id, ${start} + (hash(i) % ${span})::BIGINT as at_ms from range(${observations}) as t(i)
) to ${literal(spine)} (format parquet, compression zstd)`

/** What a person would write who knows the rules: one ASOF join a view on a row number, then all of them together. */
const byHand = (target: string): string[] => [
  `create temp table o as select row_number() over () as n, id, at_ms from read_parquet(${literal(spine)})`,
  ...views.map(
    (_, view) => `create temp table j${view} as
      with h as (
        select id, epoch_ms(__event_time) as et, epoch_ms(__available_at) as av, __partition as p, __offset as s, ${columns.join(', ')}
          from read_parquet(${literal(segment(view))})
        qualify et >= max(et) over (partition by id order by av, p, s rows between unbounded preceding and current row)
      ), latest as (select * from h qualify row_number() over (partition by id, av order by p desc, s desc) = 1)
      select n, ${columns.join(', ')} from o asof join latest l on o.id = l.id and o.at_ms >= l.av
       where o.at_ms - l.et <= ${20 * 86_400_000}`,
  ),
  `copy (select o.id, o.at_ms, ${views.flatMap((_, view) => columns.map((name) => `j${view}.${name} as v${view}_${name}`)).join(', ')}
     from o ${views.map((_, view) => `left join j${view} using (n)`).join(' ')} order by o.id, o.at_ms)
   to ${literal(target)} (format parquet, compression zstd)`,
  ...['o', ...views.map((_, view) => `j${view}`)].map((name) => `drop table ${name}`),
]

const peakMiB = async (): Promise<number> =>
  Number(/VmHWM:\s+(\d+)/.exec(await readFile('/proc/self/status', 'utf8'))?.[1]) / 1_024

async function timed(work: () => Promise<unknown>): Promise<{ seconds: number; cpu: number }> {
  const [at, cpu] = [performance.now(), process.cpuUsage()]
  await work()
  const spent = process.cpuUsage(cpu)
  return { seconds: (performance.now() - at) / 1_000, cpu: (spent.user + spent.system) / 1e6 }
}

const statements = async (duck: Duck, sql: readonly string[]) => {
  const connection = await duck.connect()
  await runAll(connection, sql)
  connection.closeSync()
}

await mkdir(folder, { recursive: true })
const duck = await openDuck({ folder, name: 'joins', memory, threads: 2 })
await statements(duck, [spineSql, ...views.map((_, view) => segmentSql(view))])
const features = views.flatMap(({ name }) => columns.map((column) => `${name}:${column}`))
const plan = decidePlan(
  { features, request: {}, label: null, spine: ['id'], chain: [] },
  new Map(views.map((view) => [view.name, view])),
) as DatasetPlan
const stored = new Map(
  views.map((view, index): [string, ViewRows] => [
    view.name,
    {
      view,
      whole: [{ path: segment(index), revision: 1 }],
      cut: [],
      snapshot: [],
      fieldsOf: () => new Set(view.fields.map(({ name }) => name)),
    },
  ]),
)
const prepared = await peakMiB()
let hash = ''
let joinedAt = 0
const begun = performance.now()
const built = await timed(async () => {
  const input = {
    plan,
    spine: { is: 'file' as const, file: { path: spine, columns: ['id'] } },
    views: stored,
    cutoff: null,
    max: null,
    split: null,
  }
  const step = (name: string): Promise<void> => {
    if (name === 'writing') joinedAt = (performance.now() - begun) / 1_000
    return Promise.resolve()
  }
  ;({ hash } = await buildDataset(duck, folder, input, step))
})
const peak = await peakMiB()
const hand = await timed(() => statements(duck, byHand(join(folder, 'hand.parquet'))))
const compare = await duck.connect()
const ours = features.map((feature) => `"${feature.replace(':', '__')}"`).join(', ')
const theirs = features.map((feature) => feature.replace(':', '_')).join(', ')
const differing = await compare.runAndReadAll(
  `select count(*)::INTEGER from (
     (select id, epoch_ms("at") as at_ms, ${ours} from read_parquet(${literal(datasetPath(folder, hash))}))
     except all (select id, at_ms, ${theirs} from read_parquet(${literal(join(folder, 'hand.parquet'))})))`,
)
compare.closeSync()
duck.close()
await rm(folder, { recursive: true, force: true })
process.send!({ built, joined: joinedAt, hand, peak, prepared, differing: Number(differing.getColumns()[0]![0]) })
