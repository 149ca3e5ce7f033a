import { DuckDBInstance } from '@duckdb/node-api'
import { isText, type Column, type ColumnSpec, type Frame } from './frame.ts'

/** Values that float32 can't keep apart: read as double beside the frame. */
export interface DatasetFrame extends Frame {
  /** Observation time of each row, ms since 1970. */
  at: Float64Array
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

const isTime = (held: string): boolean => held.startsWith('TIMESTAMP') || held === 'DATE'

/** The column as text, as float32, or for a time as milliseconds; `held` is its type in the file. */
const select = ({ name, type, role }: ColumnSpec, held: string): string => {
  const column = quoted(name)
  if (isText(type)) return `${column}::varchar`
  const number = isTime(held) ? `epoch_ms(${column})` : column
  return role === 'at' ? `${number}::double` : `coalesce(try_cast(${number} as float), 'nan'::float)`
}

/**
 * Reads the named columns of Parquet files into memory, in the files' order, chunk by chunk.
 *
 * @param paths Local files of one dataset; an empty list gives an empty frame.
 * @param threads DuckDB threads; the order of the rows doesn't depend on it.
 */
export async function readFrame(
  paths: string[],
  specs: readonly ColumnSpec[],
  { threads = 1, memory = '512MB' } = {},
): Promise<DatasetFrame> {
  const kept = specs.filter(({ role }) => role !== 'at')
  const at = specs.find(({ role }) => role === 'at')
  const builders = kept.map(({ type }) => (isText(type) ? textBuilder() : numberBuilder()))
  const times: Float64Array[] = []
  if (paths.length > 0) {
    const instance = await DuckDBInstance.create(':memory:', { threads: String(threads), memory_limit: memory })
    try {
      const connection = await instance.connect()
      const source = `read_parquet([${paths.map(literal).join(', ')}])`
      const described = (await connection.runAndReadAll(`describe select * from ${source}`)).getRows()
      const held = new Map(described.map(([name, type]) => [String(name), String(type)]))
      const columns = [...kept, ...(at ? [at] : [])].map((spec) => select(spec, held.get(spec.name) ?? ''))
      const result = await connection.stream(`select ${columns.join(', ')} from ${source}`)
      for (let chunk = await result.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
        builders.forEach((builder, index) => builder.add(chunk.getColumnValues(index)))
        if (at) times.push(Float64Array.from(chunk.getColumnValues(kept.length) as number[]))
      }
      connection.closeSync()
    } finally {
      instance.closeSync()
    }
  }
  const columns = new Map(kept.map(({ name }, index) => [name, (builders[index] as Builder).column()]))
  const rows = at ? times.reduce((sum, part) => sum + part.length, 0) : (builders[0]?.rows() ?? 0)
  return { rows, columns, at: joined(times, Float64Array) }
}

interface Builder {
  add(values: readonly unknown[]): void
  rows(): number
  column(): Column
}

function numberBuilder(): Builder {
  const parts: Float32Array[] = []
  return {
    add: (values) => parts.push(Float32Array.from(values as number[], (value) => value ?? NaN)),
    rows: () => parts.reduce((sum, part) => sum + part.length, 0),
    column: () => ({ kind: 'number', values: joined(parts, Float32Array) }),
  }
}

function textBuilder(): Builder {
  const parts: Int32Array[] = []
  const codes = new Map<string, number>()
  const codeOf = (word: unknown): number => {
    if (word === null || word === '') return -1
    const known = codes.get(word as string)
    if (known !== undefined) return known
    codes.set(word as string, codes.size)
    return codes.size - 1
  }
  return {
    add: (values) => parts.push(Int32Array.from(values as string[], codeOf)),
    rows: () => parts.reduce((sum, part) => sum + part.length, 0),
    column: () => ({ kind: 'text', codes: joined(parts, Int32Array), words: [...codes.keys()] }),
  }
}

function joined<A extends Float32Array | Float64Array | Int32Array>(parts: A[], type: new (length: number) => A): A {
  const all = new type(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part as never, at)
    at += part.length
  }
  return all
}
