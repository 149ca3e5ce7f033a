import { parseArgs } from 'node:util'
import { homeOf, portOffsetOf } from './paths.ts'
import { readPlatform, type PlatformFile } from './platform/files.ts'
import { startPlatform } from './platform/start-platform.ts'
import { stopPlatform } from './platform/stop-platform.ts'
import { failed, say } from './platform/say.ts'
import { openCaller } from './demo/caller.ts'
import { followFacts } from './demo/cascades.ts'
import { openFlights } from './demo/flights.ts'
import { tell } from './demo/narrator.ts'
import { platformClient } from './demo/platform-client.ts'
import { openPublisher } from './demo/publisher.ts'
import { startReplay } from './demo/replay.ts'
import { cascadeTable, qualityTable, whereToLook } from './demo/report.ts'
import { openScreen } from './demo/screen.ts'
import { play } from './demo/story.ts'

const help = `npm run demo [-- --exit]

Plays the main job on real data: three million US flights of the year 2001 (npm package vega-datasets), from their publication
to a model that predicts delays, learns, survives a broken publisher and a bad candidate. Sets up what it needs.

  --exit   end when the story ends (in a terminal the platform otherwise stays up until Ctrl-C)
  --help   this text

Ends with 0 only if all of the story happened.`

/** The first free name: a platform that has played before keeps its data, and plays again beside it. */
async function freeNamespace(platform: PlatformFile): Promise<{ namespace: string; suffix: string }> {
  const client = platformClient(platform)
  for (let nth = 1; ; nth++) {
    const namespace = nth === 1 ? 'default' : `flights-${nth}`
    const taken = await client
      .get('registry', `/v1/resources/Model/${namespace}/flight-delay`)
      .catch((error: { status?: number }) => {
        if (error.status === 404) return undefined
        throw error
      })
    if (!taken) return { namespace, suffix: nth === 1 ? '' : `-${nth}` }
  }
}

async function run(platform: PlatformFile, signal: AbortSignal): Promise<boolean> {
  const screen = openScreen(process.stdout)
  const client = platformClient(platform)
  const { namespace, suffix } = await freeNamespace(platform)
  const model = 'flight-delay'
  const flights = await openFlights()
  const publisher = await openPublisher(platform.kafka, { plans: `flight-plans${suffix}`, outcomes: `flight-outcomes${suffix}` })
  const cascades = followFacts(platform.kafka, namespace, (fact) => tell(screen, fact))
  const caller = openCaller(client, { namespace, model })
  const replay = startReplay({ flights, publisher, caller, client, namespace, signal })
  screen.line('US flights of the year 2001. The data has local times without a zone: they are taken as UTC.')
  try {
    const seen = await play({ client, cascades, publisher, caller, replay, screen, namespace, model, suffix, signal })
    screen.done()
    screen.chapter('What happened')
    console.log(cascadeTable(cascades))
    console.log(qualityTable(caller))
    const { asked, retried, failures } = caller
    console.log(
      `${asked.toLocaleString('en')} predictions asked, ${failures.length} failed${retried > 0 ? `, ${retried} requests tried again` : ''}.`,
    )
    for (const failure of failures.slice(0, 5)) console.log(`  ${failure}`)
    console.log(`\nLook further:\n${whereToLook(platform, cascades, namespace === 'default' ? model : `${namespace}/${model}`)}`)
    return failures.length === 0 && Object.values(seen).length === 7
  } finally {
    screen.done()
    await cascades.stop()
    await publisher.close()
    flights.close()
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { exit: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
  })
  if (values.help) {
    console.log(help)
    return 0
  }
  const interrupted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => interrupted.abort(new Error('interrupted')))
  const home = homeOf(process.env)
  const wasUp = readPlatform(home) !== undefined
  const { platform, already } = await startPlatform({
    home,
    portOffset: portOffsetOf(process.env),
    replicas: [],
    signal: interrupted.signal,
    say,
  })
  const stop = async () => {
    if (!wasUp && !already) await stopPlatform(home, say)
  }
  try {
    const complete = await run(platform, interrupted.signal)
    if (process.stdout.isTTY && !values.exit && !interrupted.signal.aborted) {
      console.log('\nThe platform stays up. Ctrl-C ends it.')
      await new Promise<void>((resolve) => interrupted.signal.addEventListener('abort', () => resolve()))
    }
    return complete ? 0 : 1
  } finally {
    await stop()
  }
}

await main().then((code) => process.exit(code), failed)
