import { readFile } from 'node:fs/promises'
import { CodedError, errorSet, undocumentedErrors } from '@cascata/service'
import { expect, it } from 'vitest'
import * as errors from './errors.ts'
import { ModelRefused, type ModelRefusedCode } from './models/model-refused.ts'

it('has every coded error in docs/errors.md', async () => {
  const doc = await readFile(new URL('../../../docs/errors.md', import.meta.url), 'utf8')
  expect(undocumentedErrors(errorSet('inference', errors), doc)).toEqual([])
})

it('gives status and hint to what pure code refuses', () => {
  const coded = errors.codedOf(new ModelRefused('INF_MODEL_CRASHED', 'it died')) as CodedError
  expect(coded).toMatchObject({ code: 'INF_MODEL_CRASHED', status: 503, retry: true, message: 'it died' })
  const codes: ModelRefusedCode[] = ['INF_MODEL_UNSAFE', 'INF_GOLDEN_MISMATCH', 'INF_VERSION_NOT_FOUND', 'INF_SIGNATURE_INVALID']
  for (const code of codes) expect(errors.codedOf(new ModelRefused(code, 'x'))).toBeInstanceOf(CodedError)
  const bug = new TypeError('a fault of ours')
  expect(errors.codedOf(bug)).toBe(bug)
})
