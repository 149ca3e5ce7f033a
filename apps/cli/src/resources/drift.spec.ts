import { expect, it } from 'vitest'
import { decideDrift, historyOf } from './drift.ts'

const ours = 'a'.repeat(40)
const history = (commit: string) => commit === ours

it.each([
  [ours, null],
  [null, 'applied without a commit'],
  [`${ours}-dirty`, 'applied from files that were not committed'],
  ['b'.repeat(40), `applied from commit ${'b'.repeat(12)}, which is not in the history of these files`],
])('%s is drift: %s', (commit, words) => {
  expect(decideDrift(commit, history)).toBe(words)
})

it('says nothing where it cannot tell: outside of git, or of a commit that a shallow clone may lack', () => {
  expect(decideDrift(null, undefined)).toBeNull()
  expect(decideDrift(ours, () => undefined)).toBeNull()
  expect(historyOf('/')).toBeUndefined()
})
