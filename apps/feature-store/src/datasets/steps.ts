/** A step of the plan of a dataset, in an engine's SQL: a table that is made of a query, or tables that are needed no more. */
export type Step = { readonly table: string; readonly as: string } | { readonly drop: readonly string[] }

/** Statements of DuckDB that take these steps. */
export const statementsOf = (steps: readonly Step[]): string[] =>
  steps.flatMap((step) =>
    'drop' in step ? step.drop.map((table) => `drop table ${table}`) : [`create temp table ${step.table} as ${step.as}`],
  )
