import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ensureClassArchive } from '../install/class-archive.ts'
import { ensureJava, ensureKafkaJars } from '../install/kafka-jars.ts'
import { ensureRedis } from '../install/redis-server.ts'
import { kafka } from './kafka.ts'
import { postgres } from './postgres.ts'
import { redis } from './redis.ts'
import { type BackingName, type LocalService, type Say } from './service.ts'

export interface LocalSettings {
  home: string
  cache: string
  ports: { kafka: number; kafkaController: number; postgres: number; redis: number }
  say: Say
  marks?: NodeJS.ProcessEnv
}

const makers: Record<BackingName, (settings: LocalSettings) => Promise<LocalService>> = {
  async kafka({ home, cache, ports, say, marks = {} }) {
    mkdirSync(cache, { recursive: true })
    const java = await ensureJava(say)
    const jars = await ensureKafkaJars(java, cache, say)
    const archive = await ensureClassArchive(java, jars, cache, say)
    return kafka({
      folder: join(home, 'kafka'),
      jars,
      java,
      archive,
      port: ports.kafka,
      controllerPort: ports.kafkaController,
      marks,
    })
  },
  async postgres({ home, ports, marks = {} }) {
    return postgres({ folder: join(home, 'postgres'), port: ports.postgres, marks })
  },
  async redis({ home, ports, say, marks = {} }) {
    return redis({ folder: join(home, 'redis'), program: await ensureRedis(say), port: ports.redis, marks })
  },
}

/** A backing service as a local process, with whatever it needs installed. Its folders are under `home`. */
export const localService = (name: BackingName, settings: LocalSettings): Promise<LocalService> => makers[name](settings)
