import { join } from 'node:path'
import { postgresUrl } from '../backing/postgres.ts'
import { type BackingName } from '../backing/service.ts'
import { type Plan } from './plan.ts'
import { movedBackingPorts } from './ports.ts'

/** Addresses of a plan's backing services, as clients are given them. */
export const backingUrls = async ({ home, portOffset, backing }: Plan): Promise<Record<BackingName, string>> => {
  const ports = movedBackingPorts(portOffset)
  const local: Record<BackingName, () => string> = {
    kafka: () => `127.0.0.1:${ports.kafka}`,
    postgres: () => postgresUrl(join(home, 'postgres'), ports.postgres),
    redis: () => `redis://127.0.0.1:${ports.redis}`,
  }
  const urlOf = (name: BackingName) => {
    const choice = backing[name]
    return choice.how === 'local' ? local[name]() : choice.url
  }
  return { kafka: urlOf('kafka'), postgres: urlOf('postgres'), redis: urlOf('redis') }
}
