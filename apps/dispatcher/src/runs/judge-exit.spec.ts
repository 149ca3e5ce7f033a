import { describe, expect, it } from 'vitest'
import { type Exit } from '../executor/executor.ts'
import { judgeExit } from './judge-exit.ts'

const limits = { timeoutMs: 60_000, memoryBytes: 2 ** 30, outputBytes: 2 ** 30, printedBytes: 2 ** 20 }
const exit = (change: Partial<Exit>): Exit => ({
  reason: 'exit',
  code: 0,
  signal: null,
  error: null,
  leftBehind: 0,
  startedAt: 0,
  endedAt: 1,
  ...change,
})
const judged = (change: Partial<Exit>) => {
  const judgement = judgeExit(exit(change), limits)
  return judgement.is === 'good' ? 'good' : `${judgement.failure.code}${judgement.again ? ' again' : ''}`
}

describe('the end of a job', () => {
  it.each<[string, Partial<Exit>]>([
    ['good', {}],
    ['TRAINER_FAILED again', { code: 1 }],
    ['TRAINER_FAILED again', { code: null, signal: 'SIGSEGV' }],
    ['TRAINER_BAD_LABELS', { code: 1, error: { code: 'TRAINER_BAD_LABELS', message: 'one label' } }],
    ['MY_CODE again', { code: 1, error: { code: 'MY_CODE', message: 'no' } }],
    ['good', { error: { code: 'MY_CODE', message: 'said and done nevertheless' } }],
    ['TRAINER_LEFT_CHILDREN', { leftBehind: 2 }],
    ['TRAINER_DEADLINE again', { reason: 'deadline' }],
    ['TRAINER_LOST again', { reason: 'lost' }],
    ['TRAINER_MEMORY', { reason: 'memory' }],
    ['TRAINER_OUTPUT_TOO_LARGE', { reason: 'output' }],
    ['TRAINER_FLOOD', { reason: 'flood' }],
    ['TRAINER_NOT_STARTED', { reason: 'not started' }],
    ['TRAINER_CANCELLED', { reason: 'cancelled' }],
  ])('is %s', (verdict, change) => {
    expect(judged(change)).toBe(verdict)
  })
  it('tells the limit', () => {
    expect(judgeExit(exit({ reason: 'memory' }), limits)).toMatchObject({
      failure: { message: 'The trainer took more than 1024 MiB of memory.' },
    })
  })
})
