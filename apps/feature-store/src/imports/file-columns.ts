import { open, rm } from 'node:fs/promises'
import { type DuckDBConnection } from '@duckdb/node-api'
import { literal, quoted, rowsOf } from '../offline/duckdb.ts'

/** What is wrong with a file, in words for who sent it. */
export class ImportRefused extends Error {
  override readonly name = 'ImportRefused'

  /** What DuckDB says of a file, without paths of this machine. */
  static of(error: unknown): Error {
    const message = String((error as Error).message)
    if (/IO Error|No space|Interrupt/i.test(message)) return error as Error
    const words = message
      .split('\n')
      .slice(0, 3)
      .join(' ')
      .replaceAll(/["']?\/[^\s"']+["']?/g, 'the file')
    return new ImportRefused(`it can't be read: ${words.slice(0, 300)}`)
  }
}

/** The columns of a file by name, with the types that DuckDB gives them. */
export interface FileColumns {
  readonly types: ReadonlyMap<string, string>
  readonly rows: number
}

const maxColumns = 5_000

/** Reads the columns of a Parquet file, and how many rows it says it has. */
export async function columnsOfFile(connection: DuckDBConnection, path: string): Promise<FileColumns> {
  try {
    const source = `read_parquet(${literal(path)})`
    const columns = await rowsOf<{ column_name: string; column_type: string }>(connection, `describe select * from ${source}`)
    if (columns.length > maxColumns) throw new ImportRefused(`it has more than ${maxColumns} columns`)
    const [counted] = await rowsOf<{ rows: number }>(connection, `select count(*)::DOUBLE as rows from ${source}`)
    return { types: new Map(columns.map(({ column_name, column_type }) => [column_name, column_type])), rows: counted!.rows }
  } catch (error) {
    if (error instanceof ImportRefused) throw error
    // A file that ends too early is an IO error to DuckDB.
    throw new ImportRefused(
      `it is no Parquet file: ${ImportRefused.of(new Error(String((error as Error).message).replace('IO Error', ''))).message.slice(0, 300)}`,
    )
  }
}

const headerBytes = 1024 ** 2
const maxLine = 4 * 1024 ** 2

/**
 * Writes a CSV file as Parquet of texts beside it, so that its rows can be read from any place. Returns the path.
 *
 * RFC 4180: commas, double quotes, a header; a line with more or fewer cells than the header is an error. An empty cell is null, `""` an empty text.
 */
export async function stageCsv(connection: DuckDBConnection, path: string): Promise<string> {
  const names = await headerOf(path)
  const staged = `${path}.staged`
  await rm(staged, { force: true })
  const columns = names.map((name) => `${literal(name)}: 'VARCHAR'`).join(', ')
  try {
    await connection.run(
      `copy (select ${names.map(quoted).join(', ')} from read_csv(${literal(path)}, auto_detect = false, header = true, delim = ',', quote = '"', escape = '"',
               columns = {${columns}}, nullstr = '', allow_quoted_nulls = false, strict_mode = true, null_padding = false,
               max_line_size = ${maxLine}, new_line = '\\n', encoding = 'utf-8'))
       to ${literal(staged)} (format parquet, compression snappy)`,
    )
  } catch (error) {
    await rm(staged, { force: true })
    throw ImportRefused.of(error)
  }
  return staged
}

/** The names in the first line of a CSV file. */
async function headerOf(path: string): Promise<string[]> {
  const handle = await open(path, 'r')
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(headerBytes), 0, headerBytes, 0)
    const text = buffer
      .subarray(0, bytesRead)
      .toString('utf8')
      .replace(/^\uFEFF/, '')
    const names: string[] = []
    const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y
    for (let end = ','; end === ',';) {
      const match = cell.exec(text)
      if (!match) throw new ImportRefused('its first line is no header of CSV')
      names.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '')
      end = match[3]!
    }
    return checked(names)
  } finally {
    await handle.close()
  }
}

function checked(names: string[]): string[] {
  if (names.length > maxColumns) throw new ImportRefused(`it has more than ${maxColumns} columns`)
  if (names.some((name) => name === '')) throw new ImportRefused('a column of its header has no name')
  const seen = new Set<string>()
  for (const name of names.map((each) => each.toLowerCase())) {
    if (seen.has(name)) throw new ImportRefused(`its header names ${name.slice(0, 100)} twice`)
    seen.add(name)
  }
  return names
}
