import { expect, it } from 'vitest'
import { predictionMade } from '@cascata/events'
import { createLogger, createRegistry } from '@cascata/service'
import { createMetrics } from '../metrics.ts'
import { predictionLog, type Prediction } from './prediction-log.ts'

const silent = createLogger('inference', 'silent')

/** A broker that answers when it is told to. */
function broker() {
  const sent: { headers: Record<string, string>; value: string }[][] = []
  const state = { down: false, waiting: [] as (() => void)[], held: false }
  const send = async ({ messages }: { messages: unknown[] }) => {
    if (state.held) await new Promise<void>((resolve) => state.waiting.push(resolve))
    sent.push(messages as never)
    if (state.down) throw new Error('the broker is away')
  }
  return { sent, state, producer: { send, close: async () => undefined } as never }
}

const prediction = (id: string, more: Partial<Prediction> = {}): Prediction => ({ ...predictionMade.examples[0]!, id, ...more })
const logOver = (producer: never, buffer = 100) => {
  const registry = createRegistry('inference')
  const log = predictionLog({ producer, origin: 'test', buffer, batch: 10, metrics: createMetrics(registry), log: silent })
  const dropped = async () =>
    (await registry.getMetricsAsJSON()).find(({ name }) => name === 'cascata_inference_log_dropped_total')!.values
  return { log, dropped }
}

it('sends in order, in batches, what came while the last batch was under way', async () => {
  const { sent, producer } = broker()
  const { log } = logOver(producer)
  for (let at = 0; at < 25; at++) log.add(prediction(`p${at}`))
  await log.stop(5_000)
  expect(sent.map((batch) => batch.length)).toEqual([10, 10, 5])
  expect(sent.flat().map(({ value }) => (JSON.parse(value) as Prediction).id)).toEqual(
    Array.from({ length: 25 }, (_, at) => `p${at}`),
  )
})

it('never waits: drops what its buffer does not hold, and counts it', async () => {
  const { state, producer } = broker()
  state.held = true
  const { log, dropped } = logOver(producer, 5)
  const took = Array.from({ length: 8 }, (_, at) => log.wants(`p${at}`, 1, false) && (log.add(prediction(`p${at}`)), true))
  expect(took.filter(Boolean)).toHaveLength(5)
  expect(await dropped()).toMatchObject([{ value: 3, labels: { reason: 'buffer full' } }])
  await log.stop(50)
  expect(await dropped()).toContainEqual(
    expect.objectContaining({ value: 5, labels: expect.objectContaining({ reason: 'stopped' }) }),
  )
})

it('sends a batch again that was not acknowledged, as the same events', async () => {
  const { sent, state, producer } = broker()
  state.down = true
  const { log } = logOver(producer)
  log.add(prediction('p'))
  while (sent.length < 2) await new Promise((resolve) => setImmediate(resolve))
  state.down = false
  await log.stop(5_000)
  expect(new Set(sent.flat().map(({ headers }) => headers['ce_id'])).size).toBe(1)
})

it('thins predictions out by their id, and keeps every error', () => {
  const { log } = logOver(broker().producer)
  const kept = Array.from({ length: 4_000 }, (_, at) => log.wants(`p${at}`, 0.25, false)).filter(Boolean).length
  expect(kept / 4_000).toBeCloseTo(0.25, 1)
  expect(log.wants('p1', 0, true)).toBe(true)
  expect(log.wants('p1', 0, false)).toBe(false)
})

it('leaves out what breaks the contract, and sends the rest', async () => {
  const { sent, producer } = broker()
  const { log, dropped } = logOver(producer)
  log.add(prediction('bad', { unit: '' }))
  log.add(prediction('good'))
  await log.stop(5_000)
  expect(sent.flat()).toHaveLength(1)
  expect(await dropped()).toMatchObject([{ value: 1, labels: { reason: 'invalid' } }])
})
