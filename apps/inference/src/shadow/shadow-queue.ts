import { type Metrics } from '../metrics.ts'

/** Work that a candidate does beside the answers. */
export interface ShadowTask {
  /** `namespace/name`, for the count of what is dropped. */
  model: string
  rows: number
  run(): Promise<void>
  /** Runs after the task ran, or was dropped. */
  release(): void
}

/** Runs what waits together, in a turn of the event loop after the answers; drops what the bound does not hold. */
export interface ShadowQueue {
  offer(task: ShadowTask): void
  /** Resolves when nothing waits. */
  drained(): Promise<void>
  stop(): Promise<void>
}

export function shadowQueue({ most, metrics }: { most: number; metrics: Metrics }): ShadowQueue {
  let waiting: ShadowTask[] = []
  let rows = 0
  let running: Promise<void> | undefined
  let stopped = false

  const work = async () => {
    while (waiting.length > 0) {
      await new Promise((resolve) => setImmediate(resolve))
      const batch = waiting
      waiting = []
      await Promise.all(batch.map((task) => task.run().finally(() => done(task))))
    }
    running = undefined
  }
  const done = (task: ShadowTask) => {
    rows -= task.rows
    metrics.shadowQueue.set(rows)
    task.release()
  }
  return {
    offer(task) {
      if (stopped || rows + task.rows > most) {
        metrics.shadowDropped.inc({ model: task.model }, task.rows)
        task.release()
        return
      }
      rows += task.rows
      metrics.shadowQueue.set(rows)
      waiting.push(task)
      running ??= work()
    },
    drained: async () => {
      while (running) await running
    },
    async stop() {
      stopped = true
      while (running) await running
    },
  }
}
