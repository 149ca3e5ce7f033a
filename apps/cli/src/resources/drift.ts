import { spawnSync } from 'node:child_process'

/** Where what the platform has comes from, as the registry tells it. */
export interface Origin {
  revision: number
  /** Null when whoever applied it named none. */
  commit: string | null
  /** ISO 8601. */
  at: string
  by: string
}

/** Whether a commit is in the history of the files; undefined when that cannot be told. */
export type History = (commit: string) => boolean | undefined

/** Why what the platform has did not come out of the history of the files; null when it did, or nobody can tell. */
export function decideDrift(commit: string | null, history: History | undefined): string | null {
  if (!history) return null
  if (commit === null) return 'applied without a commit'
  if (commit.endsWith('-dirty')) return 'applied from files that were not committed'
  return history(commit) === false
    ? `applied from commit ${commit.slice(0, 12)}, which is not in the history of these files`
    : null
}

/** The history of the repository that a folder is in; undefined outside of one. A shallow clone cannot tell what it lacks. */
export function historyOf(folder: string): History | undefined {
  const git = (...args: string[]) => spawnSync('git', ['-C', folder, ...args], { encoding: 'utf8', timeout: 5000 })
  const shallow = git('rev-parse', '--is-shallow-repository')
  if (shallow.status !== 0) return undefined
  const known = new Map<string, boolean | undefined>()
  const look = (commit: string): boolean | undefined => {
    if (!/^[0-9a-f]{7,64}$/.test(commit)) return false
    if (git('merge-base', '--is-ancestor', commit, 'HEAD').status === 0) return true
    return shallow.stdout.trim() === 'true' ? undefined : false
  }
  return (commit) => {
    if (!known.has(commit)) known.set(commit, look(commit))
    return known.get(commit)
  }
}
