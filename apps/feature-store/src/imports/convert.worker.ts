import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { openDuck } from '../offline/duckdb.ts'
import { convert } from './convert.ts'
import { type FromWorker, type ToWorker } from './convert-messages.ts'
import { ImportRefused } from './file-columns.ts'

const say = (message: FromWorker) =>
  new Promise<void>((done, failed) => process.send!(message, (error: Error | null) => (error ? failed(error) : done())))

const sha256Of = async (path: string): Promise<string> => {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1024 ** 2 }), hash).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? new ImportRefused('it is not here any more') : error
  })
  return hash.digest('hex')
}

/** Converts one file and ends. Each step waits until the last one was recorded. */
async function run({ job, sha256, engine }: ToWorker & { is: 'job' }): Promise<void> {
  if (job.fromRow === 0 && (await sha256Of(job.path)) !== sha256)
    throw new ImportRefused('its content is not what was announced: it changed while it was sent')
  const duck = await openDuck(engine)
  for await (const converted of convert(duck, job)) {
    const recorded = new Promise<void>((done) => process.once('message', () => done()))
    await say({ is: 'converted', converted })
    await recorded
  }
  duck.close()
}

process.once('message', (message: ToWorker) => {
  if (message.is !== 'job') return
  run(message)
    .then(() => say({ is: 'done' }))
    .catch((error: unknown) =>
      say(
        error instanceof ImportRefused
          ? { is: 'refused', problem: error.message }
          : { is: 'failed', message: String((error as Error)?.stack ?? error).slice(0, 4_000) },
      ),
    )
    .finally(() => process.disconnect())
})
