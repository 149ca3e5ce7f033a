import { setTimeout as pause } from 'node:timers/promises'
import { eventOf, predictionMade, predictions, toKafka, type DataOf } from '@cascata/events'
import { type Logger } from '@cascata/service'
import { bucketOf } from '@cascata/statistics'
import { type Metrics } from '../metrics.ts'
import { type LazyProducer } from './lazy-producer.ts'

export type Prediction = DataOf<typeof predictionMade>

/** Takes predictions and never waits: what the buffer can't hold is dropped and counted. */
export interface PredictionLog {
  /**
   * Whether a prediction would be kept: worth asking before one is built.
   *
   * @param sample share that is kept, by id: an answer and its shadow stay together; errors always
   */
  wants(id: string, sample: number, isError: boolean): boolean
  add(prediction: Prediction): void
  /** Counts predictions that were not even offered. */
  dropped(reason: string, count: number): void
  /** Sends what waits, for at most so long; counts what is left. */
  stop(withinMs: number): Promise<void>
}

interface Settings {
  producer: LazyProducer
  /** Unique to this start of the replica: ids of events begin with it. */
  origin: string
  buffer: number
  batch: number
  metrics: Metrics
  log: Logger
}

const isKept = (id: string, sample: number): boolean => sample >= 1 || bucketOf('cascata.log', id) < sample * 10_000

/** One request to Kafka at a time; the next one takes what came meanwhile. A batch that fails is sent again: its events keep their ids. */
export function predictionLog({ producer, origin, buffer, batch, metrics, log }: Settings): PredictionLog {
  const waiting = new Array<Prediction | undefined>(buffer)
  const times = new Array<string>(buffer)
  let first = 0
  let count = 0
  let ids = 0
  let sending: Promise<void> | undefined
  let stopped = false

  const recordOf = (at: number) => {
    const slot = (first + at) % buffer
    try {
      return toKafka(eventOf(predictionMade, waiting[slot]!, { id: `${origin}-${++ids}`, time: times[slot]!, app: 'inference' }))
    } catch (error) {
      metrics.dropped.inc({ reason: 'invalid' })
      log.warn({ err: error }, 'a prediction breaks its contract and is not logged')
      return undefined
    }
  }
  const release = (taken: number) => {
    for (let at = 0; at < taken; at++) waiting[(first + at) % buffer] = undefined
    first = (first + taken) % buffer
    count -= taken
    metrics.logQueue.set(count)
  }
  const sendUntilSent = async (messages: ReturnType<typeof toKafka>[]): Promise<boolean> => {
    for (let attempt = 0; !stopped || attempt === 0; attempt++) {
      try {
        await producer.send({ topic: predictions.name, messages })
        return true
      } catch (error) {
        log.debug({ err: error }, 'predictions could not be logged and are tried again')
        await pause(Math.min(2_000, 50 * 2 ** attempt))
      }
    }
    return false
  }
  const sendAll = async () => {
    while (count > 0) {
      const taken = Math.min(count, batch)
      const messages = Array.from({ length: taken }, (_, at) => recordOf(at)).filter((each) => each !== undefined)
      if (!(await sendUntilSent(messages))) break
      metrics.logged.inc(messages.length)
      release(taken)
    }
    sending = undefined
  }

  return {
    wants(id, sample, isError) {
      if (!isError && !isKept(id, sample)) return false
      if (!stopped && count < buffer) return true
      metrics.dropped.inc({ reason: 'buffer full' })
      return false
    },
    dropped: (reason, many) => metrics.dropped.inc({ reason }, many),
    add(prediction) {
      if (stopped || count >= buffer) return metrics.dropped.inc({ reason: 'buffer full' })
      const slot = (first + count++) % buffer
      waiting[slot] = prediction
      times[slot] = new Date().toISOString()
      metrics.logQueue.set(count)
      sending ??= pause(0).then(sendAll)
    },
    async stop(withinMs) {
      const drained = (async () => {
        while (sending) await sending
      })()
      await Promise.race([drained, pause(withinMs, undefined, { ref: false })])
      stopped = true
      if (count > 0) metrics.dropped.inc({ reason: 'stopped' }, count)
    },
  }
}
