import { parseArgs } from 'node:util'
import { homeOf, portOffsetOf } from './paths.ts'
import { failed, say } from './platform/say.ts'
import { startPlatform } from './platform/start-platform.ts'
import { printPlatform } from './platform/print.ts'

const main = async () => {
  const { values } = parseArgs({ options: { replicas: { type: 'string', multiple: true, default: [] } } })
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
