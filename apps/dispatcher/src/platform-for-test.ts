import { type CloudEvent, decode, labelsRipened, type EventDefinition, facts, trainingRequested } from '@cascata/events'
import { connectKafka, fact, openProducer, silent, toRecord } from '@cascata/messaging'
import { backing, eventually, freePort, spawnWorker, startPrivateKafka, uniqueName, type Worker } from '@cascata/testing'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { featureStoreForTest } from './feature-store-for-test.ts'

const root = resolve(import.meta.dirname, '../../..')
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
  const say = async <Data>(
    definition: EventDefinition<Data>,
    data: Data,
    app = 'feature-store',
    causedBy?: CloudEvent,
  ): Promise<void> => {
    const record = toRecord(fact(definition, data) as never, app, { causedBy })
    await producer.send({ topic: definition.topic.name, messages: [record] })
  }
  const store = featureStoreForTest(home, (definition, data, cause) => say(definition, data, 'feature-store', cause))
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
      if (event.type === trainingRequested.type) await store.build(event)
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
      rmSync(home, { recursive: true, force: true })
    },
  }
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
