import { join } from 'node:path'
import { fetchAnyPort } from '@cascata/service/any-port'
import { errorFile, logFile } from '../platform/files.ts'
import { type AppPlan, type Plan } from '../platform/plan.ts'
import { appPort, envPrefix } from '../platform/ports.ts'
import { marker } from '../processes/process.ts'
import { type Unit } from './unit.ts'

export const appUrl = (app: string, replica: number, offset: number): string =>
  `http://127.0.0.1:${appPort(app, replica, offset)}`

export const unitId = (app: string, replica: number): string => (replica === 0 ? app : `${app}/${replica}`)

const ask = async (url: string): Promise<void> => {
  const answer = await fetchAnyPort(`${url}/readyz`, { signal: AbortSignal.timeout(3_000) })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${url}/readyz says ${answer.status}: ${text.slice(0, 300)}`)
}

/** An app's process; its addresses come by environment, its output goes to its log. */
export const appUnit = (
  plan: Plan,
  app: AppPlan,
  replica: number,
  urls: { kafka: string; postgres: string; redis: string },
): Unit => {
  const file = unitId(app.name, replica).replace('/', '-')
  const node = join(import.meta.dirname, '..', '..', 'node_modules', 'node', 'bin', 'node')
  const own = {
    KAFKA_BROKERS: urls.kafka,
    DATABASE_URL: urls.postgres,
    REDIS_URL: urls.redis,
    CASCATA_HOME: plan.home,
    CASCATA_PORT_OFFSET: String(plan.portOffset),
    CASCATA_REPLICA: String(replica),
    ...(replica > 0 ? { [`${envPrefix(app.name)}_PORT`]: String(appPort(app.name, replica, plan.portOffset)) } : {}),
    [marker]: plan.home,
  }
  return {
    id: unitId(app.name, replica),
    kind: 'app',
    version: app.version,
    logs: { out: logFile(plan.home, file), err: errorFile(plan.home, file) },
    command: () => ({
      file: node,
      args: ['--enable-source-maps', '--disable-warning=ExperimentalWarning', app.entry],
      env: { ...plan.env, ...own },
      cwd: plan.home,
    }),
    answers: () => ask(appUrl(app.name, replica, plan.portOffset)),
    stopSignal: 'SIGTERM',
    patienceMs: 20_000,
  }
}
