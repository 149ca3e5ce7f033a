import { describe, expect, it } from 'vitest'
import { type Clause, parseFilter, parseOrder } from './parse-filter.ts'
import { modelCondition } from './registry-filter.ts'
import { runCondition } from './run-filter.ts'

const clause = (subject: Clause['subject'], key: string, comparator: Clause['comparator'], value: Clause['value']) => ({
  subject,
  key,
  comparator,
  value,
})

describe('a filter', () => {
  it.each<[string, Clause[]]>([
    ['', []],
    ['metrics.auc > 0.6', [clause('metric', 'auc', '>', 0.6)]],
    ['metric.loss<=-1.5e-3', [clause('metric', 'loss', '<=', -0.0015)]],
    [`params.depth = '3' AND tags.team LIKE 'o%'`, [clause('param', 'depth', '=', '3'), clause('tag', 'team', 'LIKE', 'o%')]],
    [`params.depth = '3' and`, [clause('param', 'depth', '=', '3')]],
    ['tag.`mlflow.source.name` != "x"', [clause('tag', 'mlflow.source.name', '!=', 'x')]],
    [`params."my key" ilike '%A%'`, [clause('param', 'my key', 'ILIKE', '%A%')]],
    ['params.model.depth = "3"', [clause('param', 'model.depth', '=', '3')]],
    [`attributes.run_id IN ('a', 'b')`, [clause('attribute', 'run_id', 'IN', ['a', 'b'])]],
    [`run_id NOT IN ('a')`, [clause('attribute', 'run_id', 'NOT IN', ['a'])]],
    [
      `status = 'FINISHED' and start_time > 5`,
      [clause('attribute', 'status', '=', 'FINISHED'), clause('attribute', 'start_time', '>', 5)],
    ],
    [`dataset.name = 'rows'`, [clause('dataset', 'name', '=', 'rows')]],
    [`tags.quote = 'it\\'s'`, [clause('tag', 'quote', '=', `it's`)]],
  ])('%s', (text, expected) => expect(parseFilter(text)).toEqual(expected))

  it.each([
    [`metrics.a > 1 OR metrics.b > 1`],
    [`NOT metrics.a > 1`],
    [`(metrics.a > 1)`],
    [`params.a IS NULL`],
    [`params.a = '1'; drop table run`],
    [`params.a = '1' params.b = '2'`],
    [`metrics.a >`],
    [`metrics. > 1`],
    [`= 1`],
    [`things.a = '1'`],
    [`constructor.a = '1'`],
    [`params.a = b`],
    [`params.a = 'unfinished`],
    [`run_id IN ('a'`],
    [`run_id IN (1)`],
    [`x${' '.repeat(10_001)}`],
  ])('%s is refused', (text) => expect(() => parseFilter(text)).toThrow())
})

describe('what becomes of a filter', () => {
  const hostile = `' or 1=1 --`

  it('holds no text of a client', () => {
    const params: unknown[] = []
    const sql = parseFilter(`tags."${hostile}" = "${hostile}" and metrics.m > 1 and run_name like "${hostile}"`)
      .map((each) => runCondition(each, params))
      .join(' and ')
    expect(sql).not.toContain('1=1')
    expect(params.filter((param) => param === hostile)).toHaveLength(4)
  })

  it('lets a missing tag of a model be unequal, so that clients can leave prompts out', () => {
    expect(modelCondition(parseFilter('tag.`mlflow.prompt.is_prompt` != "true"')[0]!, [])).toMatch(/^not exists/)
  })

  it.each([
    [`status > 'a'`],
    [`start_time = 'a'`],
    [`metrics.a = 'b'`],
    [`params.a > 'b'`],
    [`params.a = 1`],
    [`nothing = 'a'`],
    [`dataset.x = 'a'`],
    [`__proto__ = 'a'`],
    [`run_name like 'a\\\\\\\\\\\\'`],
  ])('%s fits no column', (text) => expect(() => runCondition(parseFilter(text)[0]!, [])).toThrow())
})

describe('an order', () => {
  it.each([
    ['metrics.auc DESC', { subject: 'metric', key: 'auc', descending: true }],
    ['attribute.start_time', { subject: 'attribute', key: 'start_time', descending: false }],
    ['params.`my key` asc', { subject: 'param', key: 'my key', descending: false }],
  ])('%s', (text, expected) => expect(parseOrder(text)).toEqual(expected))

  it.each([['metrics.auc DOWN'], ['metrics.auc DESC, run_id'], ['']])('%j is refused', (text) =>
    expect(() => parseOrder(text)).toThrow(),
  )
})
