import { afterAll, afterEach, beforeAll, beforeEach, it } from 'vitest'
import { type PrivateService, startPrivateKafka, startPrivatePostgres } from '@cascata/testing'
import { pause } from './waiting.ts'
import { type Bench, openBench } from './test-app/harness.ts'

let kafka: PrivateService
let postgres: PrivateService
let bench: Bench
beforeAll(async () => {
  kafka = await startPrivateKafka()
  postgres = await startPrivatePostgres()
})
afterAll(async () => {
  await kafka?.kill()
  await postgres?.kill()
})
beforeEach(async () => void (bench = await openBench({ kafka: kafka.url, postgres: postgres.url })))
afterEach(() => bench.close())

it('loses nothing and repeats nothing when the broker is killed and away for ten seconds', async () => {
  const worker = await bench.worker()
  await worker.line((line) => line.started)
  await bench.publish(20)
  await bench.expectOnceInOrder()

  const publishing = bench.publish(200)
  await kafka.kill()
  await pause(10_000)
  await kafka.restart()
  await publishing
  await bench.publish(20)
  await bench.expectOnceInOrder(90_000)
})

it('loses nothing and repeats nothing when Postgres is killed while facts are handled', async () => {
  const worker = await bench.worker({ slowMs: 5 })
  await worker.line((line) => line.started)
  await bench.publish(100)
  await worker.line((line) => line.handling && line.n > 20)
  await postgres.kill()
  await postgres.restart()
  await bench.publish(20)
  await bench.expectOnceInOrder(90_000)
})

it('starts while Kafka is still away', async () => {
  await kafka.kill()
  const worker = await bench.worker()
  await kafka.restart()
  await worker.line((line) => line.started, 60_000)
  await bench.publish(8)
  await bench.expectOnceInOrder(60_000)
})
