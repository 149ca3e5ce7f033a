import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { stopContainers } from './backing/compose.ts'
import { homeOf } from './paths.ts'
import { readPlan, remove } from './platform/files.ts'
import { lockHolder, takeLock } from './platform/lock.ts'
import { failed, say } from './platform/say.ts'
import { stopPlatform } from './platform/stop-platform.ts'
import { ownedFile } from './platform/home.ts'
import { backingNames } from './backing/choose.ts'
import { appPorts } from './platform/ports.ts'

/** What is a platform's in a folder that held other things before: its own subfolders only. */
const ours = [...backingNames, ...Object.keys(appPorts), 'run', 'logs', 'cache', 'platform.json']

const purge = async (home: string) => {
  const plan = readPlan(home)
  if (plan && Object.values(plan.backing).some(({ how }) => how === 'docker')) await stopContainers(home, plan.portOffset, true)
  const entries = existsSync(join(home, ownedFile)) ? readdirSync(home) : ours
  remove(...entries.map((entry) => join(home, entry)))
  if (existsSync(home) && readdirSync(home).length === 0) remove(home)
}

const help = `npm run down [-- --purge]

Stops the apps, then Kafka, Postgres and Redis; data and logs stay.

  --purge   deletes them too
  --help    this text`

const main = async () => {
  const { values } = parseArgs({
    options: { purge: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
  })
  if (values.help) return console.log(help)
  const home = homeOf(process.env)
  if (!existsSync(home)) return say('nothing runs, and there is no data.')
  const release = await takeLock(home, (holder) => {
    if (!holder) return
    say(`ending the \`up\` or \`down\` that runs (pid ${holder.pid})`)
    const running = lockHolder(home)
    if (running) process.kill(running.pid, 'SIGTERM')
  })
  try {
    const ended = await stopPlatform(home, say)
    if (values.purge) await purge(home)
    say(`${ended === 0 ? 'nothing was running' : 'everything is stopped'}${values.purge ? ', and its data is deleted' : ''}.`)
  } finally {
    release()
  }
}

await main().catch(failed)
