/** What joins a dataset. */
export type Engine = 'duckdb' | 'spark'

/**
 * Which engine joins a dataset: the one that was asked for; otherwise Spark when there is one and the segments are many.
 *
 * @param above Bytes of segments from which on Spark is taken; 0: never.
 */
export function decideEngine(
  asked: Engine | undefined,
  bytes: number,
  { spark, above }: { spark: boolean; above: number },
): Engine {
  if (!spark) return 'duckdb'
  return asked ?? (above > 0 && bytes > above ? 'spark' : 'duckdb')
}
