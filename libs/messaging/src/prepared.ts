/** Statements of a connection's cache at most: each takes some ten KiB of the server's memory. */
const mostNames = 200
const mostSeen = 2_000

/** Its result changes with the table: Postgres refuses to run it as it was prepared. */
const takesAllColumns = /\b(?:select|returning)\s+(?:\w+\.)?\*/i

/**
 * Names for SQL that is used again, by which Postgres parses and plans it once per connection: half the cost of a small statement.
 * A text that is used once, such as one put together for its parameters, gets none.
 */
export function statementNames() {
  const names = new Map<string, string>()
  const seen = new Set<string>()

  return (sql: string): string | undefined => {
    const known = names.get(sql)
    if (known || names.size >= mostNames) return known
    if (seen.delete(sql) && !takesAllColumns.test(sql)) names.set(sql, `s${names.size}`)
    else {
      if (seen.size >= mostSeen) seen.clear()
      seen.add(sql)
    }
    return names.get(sql)
  }
}

/** A column's type changed under a prepared statement, by the migration of a newer replica: only another connection can run it. */
export const isOutdatedPlan = (error: unknown): boolean => (error as { routine?: string }).routine === 'RevalidateCachedQuery'
