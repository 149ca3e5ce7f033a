import { createHash } from 'node:crypto'
import { spawnSync } from 'node:child_process'
import { existsSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { kafka } from '../backing/kafka.ts'
import { untilAnswers } from '../backing/start.ts'
import { type Say } from '../backing/service.ts'
import { freePort } from '../processes/ports.ts'
import { startDetached, stop } from '../processes/process.ts'
import { scratchFolder } from './scratch.ts'

const keyOf = (java: string, jars: string): string => {
  const told = spawnSync(java, ['-version'], { encoding: 'utf8' }).stderr ?? ''
  return createHash('sha256').update(`${told}\n${java}\n${jars}`).digest('hex').slice(0, 16)
}

/**
 * The class-data archive with which a broker of this Java starts in half the time; made by one run of a broker that is thrown away.
 * Undefined where that did not work: a broker starts without it as well.
 */
export const ensureClassArchive = async (java: string, jars: string, cache: string, say: Say): Promise<string | undefined> => {
  const archive = join(cache, `kafka-classes-${keyOf(java, jars)}.jsa`)
  if (existsSync(archive)) return archive
  say('preparing a fast start of Kafka (once)')
  const folder = scratchFolder(cache, 'warming')
  try {
    const service = kafka({ folder, jars, java, port: await freePort(), controllerPort: await freePort() })
    await service.prepare()
    const command = service.command()
    const made = join(folder, 'made.jsa')
    const log = join(folder, 'log')
    const ref = await startDetached(
      { ...command, args: [`-XX:ArchiveClassesAtExit=${made}`, ...command.args] },
      { out: log, err: log },
    )
    try {
      await untilAnswers(service, ref, { timeoutMs: 60_000, log })
    } finally {
      await stop(ref, { patienceMs: 60_000 })
    }
    if (!existsSync(made)) return undefined
    renameSync(made, archive)
    return archive
  } catch {
    return undefined
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
