import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseAllDocuments } from 'yaml'
import { root } from '../paths.ts'
import { type Caller } from './caller.ts'
import { type Cascades, type Told } from './cascades.ts'
import { type PlatformClient, type ViewState } from './platform-client.ts'
import { type Publisher } from './publisher.ts'
import { type Replay } from './replay.ts'
import { type Screen } from './screen.ts'

export interface Stage {
  client: PlatformClient
  cascades: Cascades
  publisher: Publisher
  caller: Caller
  replay: Replay
  screen: Screen
  namespace: string
  model: string
  suffix: string
  signal: AbortSignal
}

/** What the demo promises; each is set when it was seen. */
export interface Seen {
  firstVersion?: Told
  laterVersion?: Told
  finding?: Told
  recovered?: Told
  refused?: Told
  rolledBack?: Told
  goodAgain?: Told
}

/** A chapter that doesn't come to its end is a failure of the platform, not of patience: hours of the year 2001, not of the wall. */
const maxHours = 24 * 40
const idleMs = 120_000
/** While a run is at work an hour of 2001 takes so much longer: in life it is an hour, and here trainer and callers share the cores. */
const trainingHourMs = 600

/** The story of the demo, chapter by chapter; returns what was seen of what it promises. */
export async function play(stage: Stage): Promise<Seen> {
  const { screen, cascades, publisher, client } = stage
  const seen: Seen = {}

  screen.chapter('1. Two feature sources, three views and a model are applied')
  await apply(stage, 'views.yaml')
  await apply(stage, 'model.yaml')
  await client.covered(stage.namespace, [], stage.signal)
  await untilActive(stage)

  screen.chapter('2. Two weeks of history arrive. Nobody asks for a training.')
  await stage.replay.history()
  screen.line(`${stage.replay.flights.toLocaleString('en')} flights published, ${publisher.rows.toLocaleString('en')} rows`)
  seen.firstVersion = await waiting(stage, 'version 1 serves', () => cascades.of('rollout.completed', { version: '1' })[0])
  await stage.caller.keepFirst()

  screen.chapter('3. The year goes on, hour by hour. The model grows with its labels.')
  seen.laterVersion = await ticking(stage, 'a later version went through shadow, canary, full and bake', () =>
    cascades.of('rollout.completed').find(({ data }) => data.version !== '1'),
  )

  screen.chapter('4. From today on the plans come with kilometres in the field of the miles.')
  publisher.breakDistances()
  const since = cascades.facts.length
  seen.finding = await ticking(stage, 'the platform notices', () => cascades.facts.slice(since).find(isAboutDistance))
  seen.recovered = await ticking(stage, 'the platform comes out of it', () => recovery(cascades, seen.finding!))

  screen.chapter('5. Somebody applies a worse model.')
  const worse = await apply(stage, 'bad-spec.yaml')
  seen.refused = await ticking(stage, 'its gate refuses it', () => cascades.of('version.rejected', { revision: worse })[0])

  screen.chapter('   Then one that is good on paper and wants what no caller sends.')
  const needy = await apply(stage, 'needs-request.yaml')
  seen.rolledBack = await ticking(
    stage,
    'its canary is rolled back',
    () => cascades.of('rollout.rolledback', { revision: needy })[0],
  )

  screen.chapter('   The good one is applied again.')
  const good = await apply(stage, 'model.yaml')
  seen.goodAgain = await ticking(
    stage,
    'a version of the good one serves',
    () => cascades.of('rollout.completed', { revision: good })[0],
  )
  return seen
}

const isAboutDistance = ({ name, data }: Told) =>
  name === 'finding.opened' &&
  ['drift', 'data-invalid'].includes(String(data['type'])) &&
  JSON.stringify(data).includes('distanceMiles')

/** A version that learned from rows newer than the finding serves. (A finding also closes when the version it was about goes.) */
function recovery(cascades: Cascades, finding: Told): Told | undefined {
  const after = cascades.facts.slice(cascades.facts.indexOf(finding) + 1)
  const told = (name: string, field: string, among?: Set<unknown>, of = field) =>
    new Set(after.filter((it) => it.name === name && (!among || among.has(it.data[field]))).map(({ data }) => data[of]))
  const runs = told('dataset.built', 'run')
  const versions = told('version.registered', 'run', runs, 'version')
  return after.find(({ name, data }) => name === 'rollout.completed' && versions.has(data['version']))
}

/**
 * Applies a file of `examples/flights`; on a platform that has played before, under another namespace and other topics.
 * Returns the revision of its last resource.
 */
async function apply({ client, screen, namespace, suffix }: Stage, file: string): Promise<number> {
  const documents = parseAllDocuments(readFileSync(join(root, 'examples/flights', file), 'utf8'))
  for (const document of documents) {
    if (suffix === '') break
    document.setIn(['metadata', 'namespace'], namespace)
    const topic = document.getIn(['spec', 'source', 'topic'])
    if (topic) document.setIn(['spec', 'source', 'topic'], `${String(topic)}${suffix}`)
  }
  const resources = await client.apply(documents.map(String).join('---\n'))
  screen.line(
    `applied examples/flights/${file}: ${resources.map(({ kind, name, revision, action }) => `${kind} ${name} (revision ${revision}, ${action})`).join(', ')}`,
  )
  return resources.at(-1)!.revision
}

async function untilActive({ client, namespace, signal }: Stage): Promise<void> {
  for (const view of ['plans', 'outcomes', 'airports']) {
    for (;;) {
      signal.throwIfAborted()
      const state = await client.get<ViewState>('feature-store', `/v1/views/${namespace}/${view}`).catch(() => undefined)
      if (state?.state === 'active' && state.partitions.length > 0) break
      await sleep(50)
    }
  }
}

/** Waits for something without publishing. */
async function waiting(stage: Stage, what: string, happened: () => Told | undefined): Promise<Told> {
  const { screen, signal, cascades } = stage
  let last = cascades.facts.length
  let moved = performance.now()
  for (;;) {
    signal.throwIfAborted()
    const fact = happened()
    if (fact) return fact
    if (cascades.facts.length !== last) moved = performance.now()
    last = cascades.facts.length
    if (performance.now() - moved > idleMs) throw new Error(`Waited ${idleMs / 1000} s for: ${what}. ${lookFurther(stage)}`)
    screen.now(`waiting until ${what} · ${describeLabels(cascades)}`)
    await sleep(100)
  }
}

/** Lets the year go on until something has happened. */
async function ticking(stage: Stage, what: string, happened: () => Told | undefined): Promise<Told> {
  const { replay, screen, caller, cascades } = stage
  for (let hours = 0; hours < maxHours; hours++) {
    const fact = happened()
    if (fact) return fact
    await replay.tick()
    if (cascades.isAtWork()) await sleep(trainingHourMs, undefined, { signal: stage.signal })
    const when = new Date(replay.at).toISOString().slice(0, 13)
    const version = caller.answered.at(-1)?.version ?? '-'
    screen.now(
      `${when}h · ${caller.asked.toLocaleString('en')} predictions, version ${version} · ${describeLabels(cascades)} · until ${what}`,
    )
  }
  throw new Error(`${maxHours / 24} days went by without: ${what}. ${lookFurther(stage)}`)
}

const lookFurther = ({ model, namespace }: Stage) => `Look with ./cascata status ${namespace}/${model} and ./cascata runs.`

const describeLabels = (cascades: Cascades) => {
  const ripe = cascades.newest('labels.ripened')?.data['labelled'] as number | undefined
  return ripe === undefined ? 'no labels yet' : `${ripe.toLocaleString('en')} labels`
}
