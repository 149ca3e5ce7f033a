import { type Context } from '../context.ts'

/** What comes from what. */
export interface Graph {
  nodes: { id: string; kind: string; label: string }[]
  edges: { from: string; to: string }[]
}

/** Each node under what it comes from; one with several origins is told in full under the first. Origins of the same stand together. */
export function showGraph({ paint }: Context, { nodes, edges }: Graph): string {
  const labels = new Map(nodes.map(({ id, label }) => [id, label]))
  const below = new Map(
    Object.entries(Object.groupBy(edges, ({ from }) => from)).map(([from, to = []]) => [from, to.map((edge) => edge.to)]),
  )
  const targets = new Set(edges.map(({ to }) => to))
  const seen = new Set<string>()
  const tell = (id: string, indent: string): string[] => {
    const line = `${indent}${labels.get(id) ?? id}`
    if (seen.has(id)) return [below.has(id) ? `${line}${paint.dim(', as above')}` : line]
    seen.add(id)
    return [line, ...(below.get(id) ?? []).flatMap((next) => tell(next, `${indent}  `))]
  }
  const roots = nodes.filter(({ id }) => !targets.has(id))
  const groups = Object.values(Object.groupBy(roots, ({ id }) => JSON.stringify(below.get(id) ?? id)))
  return groups
    .flatMap((group = []) => {
      const last = group.at(-1)!
      return [...group.slice(0, -1).map(({ label }) => label), ...tell(last.id, '')]
    })
    .join('\n')
}
