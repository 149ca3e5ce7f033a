/** Where a version's files come from, as the copy says it; undefined when no artifact that was copied holds them. */
export function decideSource(
  { source, run_id }: { readonly source: string; readonly run_id: string },
  artifactUri: string | undefined,
): string | undefined {
  const hasForm = /^models:\/(m-[0-9a-f]{32}(\/.*)?|[^/:]+\/\d+)$/.test(source) || source.startsWith(`runs:/${run_id}/`)
  if (hasForm) return source
  const logged = /\/models\/(m-[0-9a-f]{32})\/artifacts(\/.+)?\/?$/.exec(source)
  if (logged) return `models:/${logged[1]}${logged[2] ?? ''}`
  const root = artifactUri?.replace(/\/+$/, '')
  if (run_id !== '' && root && source.startsWith(`${root}/`)) return `runs:/${run_id}/${source.slice(root.length + 1)}`
  return undefined
}
