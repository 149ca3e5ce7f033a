/** Rows of a dataset in memory, by column. Numbers are float32 because that is what a model's inputs are. */
export interface Frame {
  rows: number
  columns: ReadonlyMap<string, Column>
}

export type Column = NumberColumn | TextColumn

/** Booleans as 0 and 1, timestamps in ms since 1970; missing is NaN. */
export interface NumberColumn {
  kind: 'number'
  values: Float32Array
}

/** `words[codes[row]]`; missing is code −1. Words are in order of first appearance. */
export interface TextColumn {
  kind: 'text'
  codes: Int32Array
  words: string[]
}

/** A column as the job file and the signature name it; `type` is the resource's field type. */
export interface ColumnSpec {
  name: string
  type: string
  role: 'feature' | 'label' | 'at' | 'key'
}

export const isText = (type: string): boolean => type === 'string'

export function columnOf(frame: Frame, name: string): Column {
  const column = frame.columns.get(name)
  if (!column) throw new Error(`The dataset has no column ${name}.`)
  return column
}

/** The word of a row, `''` when it is missing. */
export const wordAt = (column: TextColumn, row: number): string => {
  const code = column.codes[row] ?? -1
  return code < 0 ? '' : (column.words[code] ?? '')
}

/** The rows `rows` of `frame`, in that order. */
export function takeRows(frame: Frame, rows: Int32Array): Frame {
  const columns = new Map<string, Column>()
  for (const [name, column] of frame.columns) {
    if (column.kind === 'number')
      columns.set(name, { kind: 'number', values: Float32Array.from(rows, (row) => column.values[row] ?? NaN) })
    else columns.set(name, { kind: 'text', words: column.words, codes: Int32Array.from(rows, (row) => column.codes[row] ?? -1) })
  }
  return { rows: rows.length, columns }
}
