import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { measureData } from '../data-checks/measure-data.ts'
import { measureGate } from './measure-gate.ts'
import { measureRefit } from './measure-refit.ts'
import { measureSame } from '../reproductions/measure-same.ts'
import { type Measurement } from './measurement.ts'

/*
 * Measures in a process of its own: a model that allocates without bound or never returns harms nobody else,
 * and long arithmetic does not hold up the dispatcher.
 */

const answer = (request: Measurement): Promise<unknown> => {
  switch (request.kind) {
    case 'check':
      return measureData(request)
    case 'gate':
      return measureGate(request)
    case 'refit':
      return measureRefit(request)
    case 'compare':
      return measureSame(request)
  }
}

try {
  const request = JSON.parse(await readFile(process.env.CASCATA_JOB as string, 'utf8')) as Measurement // eslint-disable-line no-restricted-properties -- how a job is told its file
  const result = await answer(request)
  await mkdir(request.output, { recursive: true })
  await writeFile(join(request.output, '.result.json'), JSON.stringify(result))
  await rename(join(request.output, '.result.json'), join(request.output, 'result.json'))
} catch (cause) {
  process.stdout.write(`${JSON.stringify({ error: { code: 'MEASURE_FAILED', message: (cause as Error).message } })}\n`)
  process.exitCode = 1
}
