/** A feature service by its name: `model`, what serves; `model@3`, a version; either with its namespace in front. */
export interface ServiceName {
  readonly namespace: string
  readonly model: string
  /** Null: the one that serves. */
  readonly version: string | null
}

const shape = /^(?:([a-z0-9-]{1,63})\/)?([a-z0-9-]{1,63})(?:@(\d{1,9}))?$/

/** Reads the name of a feature service; null when it can't be one. */
export function parseServiceName(name: string, namespace: string): ServiceName | null {
  const found = shape.exec(name)
  return found ? { namespace: found[1] ?? namespace, model: found[2]!, version: found[3] ?? null } : null
}

/** The features among the columns of a version's inputs, `view__field` (names of views have no underscore); the others come with a call. */
export const featuresOfInputs = (columns: readonly string[]): string[] =>
  columns.filter((column) => /^[a-z0-9-]+__/.test(column)).map((column) => column.replace('__', ':'))
