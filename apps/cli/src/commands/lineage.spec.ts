import { describe, expect, it } from 'vitest'
import { type Answer, type Asked, cascata, serving } from '../test-shell.ts'

const registry = async (answer: (asked: Asked) => Answer) => {
  const started = await serving(answer)
  return { ...started, env: { REGISTRY_URL: started.url } }
}

describe('lineage', () => {
  const nodes = [
    { id: 'offsets:a', label: 'plans/0 up to 10' },
    { id: 'offsets:b', label: 'plans/1 up to 7' },
    { id: 'resource:m', label: 'Model default/late, revision 2' },
    { id: 'dataset:d', label: 'dataset d-1, 17 rows' },
    { id: 'run:r', label: 'run r-1 (new\u001b[2J labels)' },
    { id: 'version:v', label: 'default/late/1, approved' },
  ]
  const edges = [
    { from: 'offsets:a', to: 'dataset:d' },
    { from: 'offsets:b', to: 'dataset:d' },
    { from: 'dataset:d', to: 'run:r' },
    { from: 'resource:m', to: 'run:r' },
    { from: 'run:r', to: 'version:v' },
  ]

  it('is shown once below its origins, those of the same together', async () => {
    const { env, asked } = await registry(() => [200, { nodes, edges }])
    expect((await cascata(['lineage', 'late/1'], { env })).out).toBe(
      [
        'plans/0 up to 10',
        'plans/1 up to 7',
        '  dataset d-1, 17 rows',
        '    run r-1 (new\ufffd[2J labels)',
        '      default/late/1, approved',
        'Model default/late, revision 2',
        '  run r-1 (new\ufffd[2J labels), as above',
        '',
      ].join('\n'),
    )
    const { out } = await cascata(['lineage', 'late/1', '--json'], { env })
    expect(JSON.parse(out)).toEqual({ nodes, edges })
    expect(asked[0]!.url).toBe('/v1/lineage/graph?namespace=default&model=late&version=1')
  })

  it.each([
    ['team/late/3', 'namespace=team&model=late&version=3'],
    ['plans/0/4711', 'topic=plans&partition=0&offset=4711'],
  ])('begins at %s', async (text, query) => {
    const { env, asked } = await registry(() => [200, { nodes: [], edges: [] }])
    expect(await cascata(['lineage', text], { env })).toMatchObject({ code: 0 })
    expect(asked[0]!.url).toBe(`/v1/lineage/graph?${query}`)
  })

  it('is given to Graphviz as it comes, but for what steers a terminal', async () => {
    const { env, asked } = await registry(() => [200, 'digraph lineage {\n  "a\u001b[2J" -> "b"\n}\n'])
    expect((await cascata(['lineage', 'late/1', '--dot'], { env })).out).toBe('digraph lineage {\n  "a\ufffd[2J" -> "b"\n}\n')
    expect(asked[0]!.url).toContain('&format=dot')
  })
})

describe('audit', () => {
  const entry = (id: number) => ({
    id: String(id),
    at: '2001-01-14T09:30:05.123Z',
    who: 'ada',
    action: 'version.approved',
    namespace: 'default',
    subject: 'default/late/3',
    details: { why: `reason ${id}` },
  })

  it('reads pages until there is enough, and tells who did what', async () => {
    const { env, asked } = await registry(({ url }) => [
      200,
      new URL(url, 'http://x').searchParams.has('before') ? [] : [entry(9), entry(8)],
    ])
    const filters = ['--subject', 'default/late/3', '--who', 'ada', '--action', 'version.approved', '--since', '2001-01-01']
    const { out } = await cascata(['audit', ...filters], { env })
    expect(out).toMatch(/2001-01-14 09:30:05 +ada +version\.approved +default\/late\/3 +{"why":"reason 9"}/)
    expect(Object.fromEntries(new URL(asked[0]!.url, 'http://x').searchParams)).toEqual({
      subject: 'default/late/3',
      who: 'ada',
      action: 'version.approved',
      since: '2001-01-01',
      limit: '50',
    })
    expect(asked[1]!.url).toMatch(/limit=48&before=8$/)
  })

  it('is exported whole, an object a line', async () => {
    const { env } = await registry(({ url }) => [200, url.includes('before=8') ? [] : [entry(9), entry(8)]])
    const { out } = await cascata(['audit', '--last', 'all', '--json'], { env })
    expect(out.trimEnd().split('\n').map((line) => JSON.parse(line) as object)).toEqual([entry(9), entry(8)]) // prettier-ignore
  })

  it.each(['many', '0', '-1', '1.5', ''])('refuses --last %j', async (last) => {
    expect(await cascata(['audit', `--last=${last}`])).toMatchObject({ code: 2, err: expect.stringContaining('no number of') })
  })
})
