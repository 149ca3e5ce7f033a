import { type Exit } from '../executor/executor.ts'
import { type Failure } from './run.ts'

/** What a job's end means. `again`: another attempt may end otherwise. */
export type Judgement = { is: 'good' } | { is: 'bad'; failure: Failure; again: boolean }

const bad = (code: string, message: string, again: boolean): Judgement => ({ is: 'bad', failure: { code, message }, again })

/** Faults of the job or the data: the same again would end the same. */
const hopeless = new Set(['TRAINER_BAD_JOB', 'TRAINER_BAD_LABELS'])

/** Whether a job ended well, and if not, why: in words of a code. */
export function judgeExit(
  { reason, code, signal, error, leftBehind }: Exit,
  limits: { timeoutMs: number; memoryBytes: number; outputBytes: number; printedBytes: number },
): Judgement {
  const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`
  switch (reason) {
    case 'not started':
      return bad('TRAINER_NOT_STARTED', `The trainer could not be started: ${error?.message ?? 'unknown'}.`, false)
    case 'deadline':
      return bad('TRAINER_DEADLINE', `The trainer ran for longer than ${Math.round(limits.timeoutMs / 1_000)} s.`, true)
    case 'memory':
      return bad('TRAINER_MEMORY', `The trainer took more than ${mebibytes(limits.memoryBytes)} of memory.`, false)
    case 'output':
      return bad('TRAINER_OUTPUT_TOO_LARGE', `The trainer wrote more than ${mebibytes(limits.outputBytes)}.`, false)
    case 'flood':
      return bad('TRAINER_FLOOD', `The trainer printed more than ${mebibytes(limits.printedBytes)}.`, false)
    case 'lost':
      return bad('TRAINER_LOST', 'The trainer was lost with the process that watched it.', true)
    case 'cancelled':
      return bad('TRAINER_CANCELLED', 'The trainer was told to stop.', false)
    case 'exit':
      break
  }
  if (code !== 0) {
    const how = signal ? `signal ${signal}` : `exit code ${code}`
    if (error) return bad(error.code, error.message, !hopeless.has(error.code))
    return bad('TRAINER_FAILED', `The trainer ended with ${how}.`, true)
  }
  if (leftBehind > 0)
    return bad('TRAINER_LEFT_CHILDREN', `The trainer left ${leftBehind} processes behind, which were ended.`, false)
  return { is: 'good' }
}
