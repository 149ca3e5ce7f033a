import {
  type CloudEvent,
  decode,
  datasetBuilt,
  labelsRipened,
  type EventDefinition,
  facts,
  type DataOf,
  trainingRequested,
} from '@cascata/events'
import { connectKafka, fact, openProducer, silent, toRecord } from '@cascata/messaging'
import { backing, eventually, freePort, spawnWorker, startPrivateKafka, uniqueName, type Worker } from '@cascata/testing'
import { DuckDBInstance } from '@duckdb/node-api'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../../..')
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

const build = (app: string): string => {
  execFileSync(process.execPath, [join(root, 'infra/build.ts'), app], { cwd: root, stdio: 'pipe' })
  return join(root, 'dist/apps', app, 'main.js')
}

/** The registry and the dispatcher as processes on a Kafka of their own; the test stands for the feature store and the deployer. */
export const startPlatform = async (settings: Record<string, string> = {}) => {
  const kafka = await startPrivateKafka()
  const home = mkdtempSync(join(tmpdir(), 'dispatcher-'))
  const ports = { registry: await freePort(), dispatcher: await freePort(), store: await freePort() }
  const url = (port: number): string => `http://127.0.0.1:${port}`
  const env = {
    KAFKA_BROKERS: kafka.url,
    DATABASE_URL: backing().postgres,
    REGISTRY_PORT: String(ports.registry),
    REGISTRY_URL: url(ports.registry),
    REGISTRY_DATABASE_SCHEMA: uniqueName('registry'),
    DISPATCHER_PORT: String(ports.dispatcher),
    DISPATCHER_URL: url(ports.dispatcher),
    DISPATCHER_DATABASE_SCHEMA: uniqueName('dispatcher'),
    FEATURE_STORE_URL: url(ports.store),
    CASCATA_HOME: home,
    CASCATA_LOG_LEVEL: 'info',
    ...settings,
  }
  const mains = { registry: build('registry'), dispatcher: build('dispatcher') }
  const up = async (app: 'registry' | 'dispatcher'): Promise<Worker> => {
    const worker = await spawnWorker(mains[app], { env, cwd: root })
    await eventually(async () => {
      if (!(await fetch(`${url(ports[app])}/readyz`)).ok) throw new Error(worker.errors())
    })
    return worker
  }
  const registry = await up('registry')
  let dispatcher = await up('dispatcher')

  const said: CloudEvent[] = []
  const client = connectKafka({ brokers: [kafka.url], clientId: 'test' }, silent)
  const producer = await openProducer({ kafka: client, log: silent })
  const say = async <Data>(definition: EventDefinition<Data>, data: Data, app = 'feature-store'): Promise<void> => {
    await producer.send({ topic: definition.topic.name, messages: [toRecord(fact(definition, data) as never, app)] })
  }
  const store = featureStore(home, say)
  const server = createServer(store.answer).listen(ports.store, '127.0.0.1')
  const reader = client.consumer({ groupId: uniqueName('test') })
  await reader.connect()
  await reader.subscribe({ topics: [facts.name], fromBeginning: true })
  await reader.run({
    eachMessage: async ({ message }) => {
      const event = decode(message)
      // A relay that was killed may say an event twice.
      if (said.some(({ id }) => id === event.id)) return
      said.push(event)
      if (event.type === trainingRequested.type) await store.build(event.data as DataOf<typeof trainingRequested>)
    },
  })

  const call = async (app: 'registry' | 'dispatcher', method: string, path: string, body?: object | string) => {
    const answer = await fetch(url(ports[app]) + path, {
      method,
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      headers: body === undefined ? {} : { 'content-type': typeof body === 'string' ? 'application/yaml' : 'application/json' },
    })
    const text = await answer.text()
    // eslint-disable-next-line @typescript-eslint/no-explicit-any -- what a test expects of it, it says itself
    return { status: answer.status, text, body: /^[[{"]/.test(text) ? (JSON.parse(text) as any) : undefined }
  }
  const about = <Data>(definition: EventDefinition<Data>, model: string): Data[] =>
    said
      .filter(({ type, data }) => type === definition.type && (data as { model?: string }).model === model)
      .map(({ data }) => data as Data)

  return {
    home,
    say,
    said,
    call,
    /** Facts of a model that were said so far. */
    about,
    /** The n-th fact of a model, past or to come. */
    heard: <Data>(definition: EventDefinition<Data>, model: string, nth = 1, timeout = 90_000): Promise<Data> =>
      eventually(
        () => {
          const found = about(definition, model)[nth - 1]
          if (found === undefined)
            throw new Error(
              `${definition.name} of ${model} was not said; so far: ${said.map(({ type }) => type).join(', ')}\n${dispatcher.errors()}`,
            )
          return found
        },
        { timeout },
      ),
    /** Says that so many observations of a model are ripe and labelled. */
    ripen: (model: string, labelled: number, cutoff: number): Promise<void> =>
      say(labelsRipened, {
        namespace: 'default',
        model,
        revision: 1,
        ripe: labelled,
        labelled,
        cutoff: new Date(cutoff).toISOString(),
      }),
    /** What the rows of a model's next datasets are like. */
    rows: store.rows,
    /** What was asked for by a spine. */
    asked: store.asked,
    /** No dataset is built while this is on. */
    hold: store.hold,
    run: async (id: string) => (await call('dispatcher', 'GET', `/v1/runs/${id}`)).body,
    /** Puts the model file of a version under a new MLflow run, as a client of the registry does. */
    async uploadModel(experimentName: string, versionPath: string) {
      const { modelSha256: sha } = (await call('registry', 'GET', versionPath)).body as { modelSha256: string }
      const bytes = Buffer.from(await (await fetch(`${url(ports.registry)}/v1/blobs/${sha}`)).arrayBuffer())
      const found = await call(
        'registry',
        'GET',
        `/api/2.0/mlflow/experiments/get-by-name?experiment_name=${encodeURIComponent(experimentName)}`,
      )
      const experiment = found.body.experiment.experiment_id as string
      const created = await call('registry', 'POST', '/api/2.0/mlflow/runs/create', { experiment_id: experiment, start_time: 1 })
      const run = created.body.run.info.run_id as string
      const target = `/api/2.0/mlflow-artifacts/artifacts/${experiment}/${run}/artifacts/model/model.onnx`
      await fetch(url(ports.registry) + target, { method: 'PUT', body: bytes })
      return { sha, experiment, run }
    },
    killDispatcher: () => dispatcher.kill(),
    startDispatcher: async () => void (dispatcher = await up('dispatcher')),
    stop: async () => {
      await reader.disconnect()
      await producer.close()
      await Promise.all([dispatcher.terminate(), registry.terminate()])
      server.close()
      await kafka.kill()
    },
  }
}

/** Builds datasets and hands them out, as the feature store does. */
function featureStore(home: string, say: <Data>(definition: EventDefinition<Data>, data: Data) => Promise<void>) {
  const rows = new Map<string, RowsForTest>()
  let held = false
  const asked: object[] = []
  const build = async ({ namespace, model, revision, run }: DataOf<typeof trainingRequested>): Promise<void> => {
    const kind = rows.get(model)
    if (!kind || held) return
    const split = await writeParts(join(home, run), kind)
    await say(datasetBuilt, {
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
    })
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
  execFileSync('mkdir', ['-p', folder])
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

/** Views and a model that reads them. */
export const yamlOf = (
  model: string,
  more: { train?: string; gates?: string; retrain?: string; rollout?: string; features?: string } = {},
): string => `
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: plans}
spec:
  source: {topic: plans}
  entity: [flight]
  eventTime: {field: publishedAt}
  fields: {flight: string, publishedAt: timestamp, departsAt: timestamp, distance: {type: double, nullable: true}, carrier: string}
---
apiVersion: cascata/v1
kind: FeatureView
metadata: {name: outcomes}
spec:
  source: {topic: outcomes}
  entity: [flight]
  eventTime: {field: landedAt}
  fields: {flight: string, landedAt: timestamp, late: {type: bool, nullable: true}}
---
apiVersion: cascata/v1
kind: Model
metadata: {name: ${model}}
spec:
  task: binary
  observations: {view: plans, at: departsAt, lead: 2h}
  label: {field: "outcomes:late", within: 1h}
  features: ${more.features ?? '["plans:distance", "plans:carrier"]'}
  train: ${more.train ?? '{params: {trees: 40}, rows: {min: 300}}'}
  retrain:
    when: {newLabels: 15%, schedule: none}
    limits: ${more.retrain ?? '{debounce: 0s, cooldown: 0s, perDay: 100, minNewLabels: 100}'}
  gates: ${more.gates ?? '{require: {auc: ">= 0.6"}, champion: {margin: 0.02, minRows: 200}, latencyP99: 1m}'}
  rollout: ${more.rollout ?? '{shadow: 0s}'}
`
