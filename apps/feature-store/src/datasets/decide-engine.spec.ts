import { expect, it } from 'vitest'
import { decideEngine } from './decide-engine.ts'

it.each([
  [undefined, 11, { spark: true, above: 10 }, 'spark'],
  [undefined, 10, { spark: true, above: 10 }, 'duckdb'],
  [undefined, 10, { spark: true, above: 0 }, 'duckdb'],
  ['spark', 1, { spark: true, above: 0 }, 'spark'],
  ['duckdb', 11, { spark: true, above: 10 }, 'duckdb'],
  ['spark', 11, { spark: false, above: 10 }, 'duckdb'],
] as const)('joins what asks for %s over %i bytes, with %o, by %s', (asked, bytes, configured, engine) => {
  expect(decideEngine(asked, bytes, configured)).toBe(engine)
})
