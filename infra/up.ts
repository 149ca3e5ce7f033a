import { parseArgs } from 'node:util'
import { homeOf, portOffsetOf } from './paths.ts'
import { failed, say } from './platform/say.ts'
import { startPlatform } from './platform/start-platform.ts'
import { printPlatform } from './platform/print.ts'

const help = `npm run up [-- --replicas app=n]

Starts the platform: Kafka, Postgres, Redis and every app, and says where they answer. What runs already is left as it is.

  --replicas app=n   so many processes of an app; may be given for several
  --help             this text

CASCATA_HOME (.cascata) is where state and logs go, CASCATA_PORT_OFFSET moves every port; KAFKA_BROKERS, DATABASE_URL and REDIS_URL
name servers that run already.`

const main = async () => {
  const { values } = parseArgs({
    options: { replicas: { type: 'string', multiple: true, default: [] }, help: { type: 'boolean', short: 'h', default: false } },
  })
  if (values.help) return console.log(help)
  const interrupted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => interrupted.abort(new Error('interrupted')))
  const home = homeOf(process.env)
  const { platform, already } = await startPlatform({
    home,
    portOffset: portOffsetOf(process.env),
    replicas: values.replicas,
    signal: interrupted.signal,
    say,
  })
  printPlatform(platform, home, already)
}

await main().then(() => process.exit(0), failed)
