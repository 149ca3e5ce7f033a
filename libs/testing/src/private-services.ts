import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  cacheOf,
  freePort,
  gone,
  localService,
  signalGroup,
  startDetached,
  stop,
  untilAnswers,
  type BackingName,
  type LocalService,
  type ProcessRef,
} from '@cascata/infra'
import { marks, testHome } from './test-home.ts'
import { uniqueName } from './unique-name.ts'

/** A backing service of one test's own, to be broken. */
export interface PrivateService {
  /** As clients are given it; the same after a restart. */
  url: string
  pid: number
  /** kill -9, with all of its processes. */
  kill(): Promise<void>
  /** An orderly end. */
  stop(): Promise<void>
  /** SIGSTOP: connections stay open, nothing answers. */
  freeze(): void
  thaw(): void
  /** Starts it again on the same port and data (after `kill` or `stop`), and waits until it answers. */
  restart(): Promise<void>
}

const begin = async (service: LocalService, log: string): Promise<ProcessRef> => {
  for (let tries = 1; ; tries += 1) {
    const ref = await startDetached(service.command(), { out: log, err: log })
    try {
      await untilAnswers(service, ref, { timeoutMs: 60_000, log })
      return ref
    } catch (error) {
      await stop(ref, { patienceMs: 0 })
      if (tries >= 20) throw error
    }
  }
}

/** Starts a service under `home` on free ports. */
export const startIn = async (home: string, name: BackingName): Promise<PrivateService> => {
  mkdirSync(home, { recursive: true })
  const [kafka, kafkaController, postgres, redis] = [await freePort(), await freePort(), await freePort(), await freePort()]
  const cache = cacheOf(process.env, home)
  const service = await localService(name, {
    home,
    cache,
    ports: { kafka, kafkaController, postgres, redis },
    say: () => {},
    marks: marks(),
  })
  const log = join(home, `${name}.log`)
  await service.prepare()
  let ref = await begin(service, log)
  return {
    url: service.url,
    get pid() {
      return ref.pid
    },
    async kill() {
      signalGroup(ref, 'SIGKILL')
      await gone(ref, 5_000)
    },
    stop: () => stop(ref, { signal: service.stopSignal, patienceMs: 30_000 }),
    freeze: () => signalGroup(ref, 'SIGSTOP'),
    thaw: () => signalGroup(ref, 'SIGCONT'),
    async restart() {
      await stop(ref, { signal: service.stopSignal, patienceMs: 30_000 })
      ref = await begin(service, log)
    },
  }
}

const startPrivate = (name: BackingName) => startIn(join(testHome(), uniqueName(name)), name)

export const startPrivateKafka = (): Promise<PrivateService> => startPrivate('kafka')
export const startPrivatePostgres = (): Promise<PrivateService> => startPrivate('postgres')
export const startPrivateRedis = (): Promise<PrivateService> => startPrivate('redis')
