import { expect, it } from 'vitest'
import { type BuildRecord } from './build-record.ts'
import { decideOutcome, differencesOf, type Made } from './decide-outcome.ts'

const record: BuildRecord = {
  trainer: 'gbdt',
  commit: null,
  diffSha256: null,
  image: null,
  lockFiles: { 'uv.lock': 'aa' },
  environment: { node: 'v24.0.0', machine: 'linux-x64' },
  params: { trees: 40 },
  seed: 1,
  fitted: { trees: 32 },
  refit: true,
}
const made = (more: Partial<Made> = {}): Made => ({ modelSha256: 'm1', datasetHash: 'd1', record, ...more })
const far = { rows: 100, worst: 0.2, mean: 0.01, tolerance: 1e-5 }

it('calls the same file the same, whatever else changed', () => {
  const now = made({ record: { ...record, environment: { ...record.environment, node: 'v24.1.0' } } })
  expect(decideOutcome(made(), now, null)).toMatchObject({ same: 'bits', differences: [{ what: 'environment.node' }] })
})

it('tells the same answers from others', () => {
  const now = made({ modelSha256: 'm2' })
  expect(decideOutcome(made(), now, { ...far, worst: 1e-6 })).toMatchObject({ same: 'predictions' })
  expect(decideOutcome(made(), now, far)).toMatchObject({ same: 'different', predictions: far })
  expect(decideOutcome(made(), now, null)).toMatchObject({ same: 'different' })
})

it('says what is not as recorded, or that the trainer does not repeat', () => {
  const changed = made({
    modelSha256: 'm2',
    datasetHash: 'd2',
    record: { ...record, lockFiles: { 'uv.lock': 'bb', 'go.sum': 'cc' }, params: {}, fitted: { trees: 30 } },
  })
  expect(differencesOf(made(), changed)).toEqual([
    { what: 'datasetHash', recorded: 'd1', now: 'd2' },
    { what: 'fitted.trees', recorded: 32, now: 30 },
    { what: 'lockFiles.go.sum', recorded: null, now: 'cc' },
    { what: 'lockFiles.uv.lock', recorded: 'aa', now: 'bb' },
    { what: 'params.trees', recorded: 40, now: null },
  ])
  expect(decideOutcome(made(), changed, far).why).toBe(
    'not as recorded: datasetHash, fitted.trees, lockFiles.go.sum, lockFiles.uv.lock, params.trees',
  )
  expect(decideOutcome(made(), made({ modelSha256: 'm2' }), far).why).toContain('does not repeat')
  expect(decideOutcome(made({ record: null }), made({ modelSha256: 'm2' }), far).why).toContain('not on record')
})
