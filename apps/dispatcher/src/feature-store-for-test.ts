import { type CloudEvent, datasetBuilt, type DataOf, type EventDefinition, type trainingRequested } from '@cascata/events'
import { DuckDBInstance } from '@duckdb/node-api'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'

const day = 86_400_000

/** What the rows of the next datasets are like. `noise`: 0 is learnable well, 1 is chance. */
export interface RowsForTest {
  rows: number
  /** Observations are spread over the days from here, ms since 1970. */
  from: number
  days: number
  noise: number
  /** Factor on the distances. */
  scale?: number
  /** Share of distances that are missing. */
  missing?: number
}

/** Builds datasets and hands them out, as the feature store does. */
export function featureStoreForTest(
  home: string,
  say: <Data>(definition: EventDefinition<Data>, data: Data, causedBy: CloudEvent) => Promise<void>,
) {
  const rows = new Map<string, RowsForTest>()
  let held = false
  const asked: object[] = []
  const build = async (wanted: CloudEvent): Promise<void> => {
    const { namespace, model, revision, run } = wanted.data as DataOf<typeof trainingRequested>
    const kind = rows.get(model)
    if (!kind || held) return
    const split = await writeParts(join(home, run), kind)
    const built = {
      namespace,
      model,
      revision,
      dataset: run,
      run,
      hash: Buffer.from(JSON.stringify(kind)).toString('hex').padEnd(64, '0').slice(-64),
      rows: kind.rows,
      snapshot: [],
      cutoff: new Date(kind.from + kind.days * day).toISOString(),
      split,
      profile: {},
    }
    await say(datasetBuilt, built, wanted)
  }
  return {
    rows: (model: string, kind: RowsForTest) => void rows.set(model, kind),
    hold: (on: boolean) => void (held = on),
    asked,
    build,
    answer: (request: IncomingMessage, response: ServerResponse): void => {
      const json = (status: number, body: object): void =>
        void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      const route = `${request.method} ${request.url}`
      const chunks: Buffer[] = []
      request
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('end', () => {
          const body = Buffer.concat(chunks)
          if (route === 'PUT /v1/spines')
            return (writeFileSync(join(home, 'spine.parquet'), body), json(200, { sha256: '0'.repeat(64) }))
          if (route === 'POST /v1/datasets') {
            asked.push(JSON.parse(body.toString()) as object)
            return void answerSpine(join(home, 'spine.parquet'), join(home, 'answered.parquet')).then(() =>
              json(202, { id: 'd-spine' }),
            )
          }
          if (route === 'GET /v1/datasets/d-spine') return json(200, { state: 'built' })
          const match = /^GET \/v1\/datasets\/([\w-]+)\/data(?:\?part=(\w+))?$/.exec(route)
          try {
            const [, id = '', part] = match ?? []
            response.end(readFileSync(id === 'd-spine' ? join(home, 'answered.parquet') : join(home, id, `${part}.parquet`)))
          } catch {
            json(404, {})
          }
        })
    },
  }
}

/** The carrier of each row of a spine, in another order: whoever asked has to find its rows again. */
async function answerSpine(spine: string, target: string): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  await connection.run(
    `copy (select *, chr(65 + (hash(substr(flight, 2)::bigint, 2) % 6)::int) || 'A' as "plans__carrier" from read_parquet('${spine}') order by hash(flight)) to '${target}' (format parquet)`,
  )
  instance.closeSync()
}

/** 60 % train, 15 % validation, 25 % holdout, by time. */
async function writeParts(folder: string, { rows, from, days, noise, scale = 1, missing = 0 }: RowsForTest) {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  mkdirSync(folder, { recursive: true })
  await connection.run(`
    create table rows as
    select 'F' || i as flight, epoch_ms((${from} + i * ${days * day} / ${rows})::bigint)::timestamptz as at,
      case when hash(i, 5) % 1000 < ${missing * 1000} then null else (hash(i, 1) % 2900 + 100) * ${scale}::double end as "plans__distance",
      chr(65 + (hash(i, 2) % 6)::int) || 'A' as "plans__carrier",
      ((hash(i, 1) % 2900) / 2900.0 + (hash(i, 2) % 6) / 6.0 > 1) = (hash(i, 3) % 1000 >= ${noise * 500}) as label, i
    from range(${rows}) t(i)`)
  const part = async (name: string, low: number, high: number) => {
    const where = `i >= ${Math.floor(rows * low)} and i < ${Math.floor(rows * high)}`
    await connection.run(
      `copy (select * exclude i from rows where ${where}) to '${join(folder, `${name}.parquet`)}' (format parquet)`,
    )
    const iso = (share: number): string => new Date(from + share * days * day).toISOString()
    return { rows: Math.floor(rows * high) - Math.floor(rows * low), from: iso(low), to: iso(high) }
  }
  const split = {
    train: await part('train', 0, 0.6),
    validation: await part('validation', 0.6, 0.75),
    holdout: await part('holdout', 0.75, 1),
  }
  instance.closeSync()
  return split
}
