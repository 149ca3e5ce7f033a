import { describe, expect, it } from 'vitest'
import { parseFilter, parseOrder } from './parse-filter.ts'
import { pageQuery, phasesOf, type RunSearch } from './run-pages.ts'

const search = (filter: string, ...orders: string[]): RunSearch => ({
  experiments: ['1'],
  stages: ['active'],
  clauses: parseFilter(filter),
  orders: orders.map(parseOrder),
})

describe('the phases of a search', () => {
  it.each<[string, string[], string[]]>([
    ['', [], ['all']],
    ['metrics.auc > 0.5', ['start_time ASC'], ['all']],
    ['', ['metrics.auc DESC'], ['number', 'nan', 'missing']],
    ['metrics.loss > 0.5', ['metrics.auc DESC'], ['number', 'nan', 'missing']],
    ['metrics.auc > 0.5', ['metrics.auc DESC', 'params.a'], ['number']],
  ])('of %j by %j', (filter, orders, phases) => expect(phasesOf(search(filter, ...orders))).toEqual(phases))
})

describe('a page', () => {
  it('ends with the newest and then the id, so that no two runs are equal', () => {
    expect(pageQuery(search(''), 'all', undefined, 5).sql).toMatch(/order by r\.start_time desc, r\.run_id limit 5/)
    expect(pageQuery(search('', 'metrics.auc DESC'), 'number', undefined, 5).sql).toMatch(
      /order by f\.value desc, r\.start_time desc, r\.run_id limit 5/,
    )
  })

  it('puts numbers before NaN before nothing, also where the metric orders second', () => {
    expect(pageQuery(search('', 'status', 'metrics.auc DESC'), 'all', undefined, 5).sql).toMatch(
      /order by r\.status, \(case .* then 2 .* then 1 else 0 end\)::bigint, \(case .* end\) desc nulls last, r\.start_time desc/,
    )
  })

  it('begins after a place, in every direction of its keys', () => {
    const { sql, params } = pageQuery(search(''), 'all', { phase: 'all', keys: ['5', 'abc'] }, 5)
    expect(sql).toMatch(
      /r\.start_time <= \$3::bigint and \(\(r\.start_time < \$3::bigint\) or \(r\.start_time = \$3::bigint and r\.run_id > \$4::text\)\)/,
    )
    expect(params).toEqual([['1'], ['active'], '5', 'abc'])
  })

  it('goes on among runs without a value', () => {
    const { sql } = pageQuery(search('', 'end_time DESC'), 'all', { phase: 'all', keys: [null, '5', 'abc'] }, 5)
    expect(sql).toMatch(/\(\(false\) or \(r\.end_time is not distinct from \$3::bigint and r\.start_time < \$4::bigint\)/)
  })

  it.each([
    [['5']],
    [[5, 'abc']],
    [['5', null]],
    [['5; drop table run', 'abc']],
    [['99999999999999999999', 'abc']],
    [['5', 'a\0']],
  ])('is refused after the forged place %j', (keys) =>
    expect(() => pageQuery(search(''), 'all', { phase: 'all', keys }, 5)).toThrow('Invalid page token'),
  )

  it('holds no text of a client', () => {
    const hostile = `' or 1=1 --`
    const { sql, params } = pageQuery(
      search(`metrics."${hostile}" > 1`, `metrics."${hostile}" DESC`, `params."${hostile}"`),
      'number',
      undefined,
      5,
    )
    expect(sql).not.toContain('1=1')
    expect(params.filter((param) => param === hostile)).toHaveLength(2)
  })
})
