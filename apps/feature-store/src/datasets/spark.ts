import { spawn } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sparkSql } from '../offline/spark-sql.ts'
import { datasetStages, type JoinInput, type Stage } from './dataset-stages.ts'
import { countsSql } from './observations-sql.ts'

/** What Spark is to do, as `infra/spark/build_dataset.py` reads it. */
export interface SparkJob {
  /** A folder that is there, which Spark's executors see by the same path; what is kept lies in it, a folder of Parquet a table. */
  readonly work: string
  /** Parquet files by the names that the queries have for them. */
  readonly inputs: Readonly<Record<string, readonly string[]>>
  /** Tables in the order in which they are made; `keep`: written to `<work>/<table>` and read from there by what follows. */
  readonly steps: readonly { readonly table: string; readonly as: string; readonly keep: boolean }[]
}

/** Runs jobs of Spark. */
export interface Spark {
  /** @throws Error with the end of what Spark said, when it fails. */
  run(job: SparkJob): Promise<void>
}

/**
 * The plan of a dataset in Spark's SQL. Its last table is `dataset`, with the rows in any order; `counts` are those of the observations.
 *
 * Spark makes a table anew whenever it is read, and numbers rows as they come: what a later stage reads is therefore written once.
 */
export function sparkJob(input: JoinInput, work: string): SparkJob {
  const { dialect, inputs } = sparkSql()
  const { seen, spine, rest } = datasetStages(input, dialect)
  const counts: Stage = { name: 'counts', steps: [{ table: 'counts', as: countsSql }] }
  const stages = [...(seen ? [seen, counts] : []), spine, ...rest]
  return { work, inputs, steps: stages.flatMap(stepsOf) }
}

function stepsOf({ steps }: Stage): SparkJob['steps'][number][] {
  const dropped = new Set(steps.flatMap((step) => ('drop' in step ? step.drop : [])))
  return steps.flatMap((step) => ('drop' in step ? [] : [{ ...step, keep: !dropped.has(step.table) }]))
}

/** Of what Spark says on its way, the end is kept, in characters. */
const saidKept = 4_000

/**
 * Spark as a command, such as `spark-submit --master yarn infra/spark/build_dataset.py`: the path of the job's file is its last argument.
 *
 * @param signal Ends what runs.
 */
export const sparkCommand = (command: string, signal?: AbortSignal): Spark => ({
  async run(job) {
    await mkdir(job.work, { recursive: true })
    const file = join(job.work, 'job.json')
    await writeFile(file, JSON.stringify(job))
    await running(command, [file], signal)
  },
})

/** Runs a command to its end. */
export function running(command: string, more: readonly string[], signal?: AbortSignal): Promise<void> {
  const [program, ...words] = command.split(/\s+/).filter(Boolean)
  return new Promise((resolve, reject) => {
    const child = spawn(program!, [...words, ...more], { stdio: ['ignore', 'ignore', 'pipe'], ...(signal ? { signal } : {}) })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-saidKept)))
    child.on('error', (error) => reject(new Error(`${program} could not be run: ${error.message}`, { cause: error })))
    child.on('close', (code, ended) =>
      code === 0 ? resolve() : reject(new Error(`${program} ended with ${ended ?? code}: …${said}`)),
    )
  })
}
