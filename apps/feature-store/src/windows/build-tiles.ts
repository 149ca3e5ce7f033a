import { type DuckDBConnection } from '@duckdb/node-api'
import { keyColumns, rowsSql, type ViewRows } from '../datasets/history-sql.ts'
import { type NamedField, type Value, type View } from '../feature-views/view.ts'
import { encodeKey } from '../ingest/entity-key.ts'
import { duckdb } from '../offline/dialects.ts'
import { noPartial, type Partial } from './partials.ts'
import { type Built } from './tile-runs.ts'
import { groupedSql } from './tile-sql.ts'
import { type Level, type Slot } from './window-plan.ts'

/** Which tiles of a level are wanted, as numbers: `from` inclusive, `to` exclusive. */
export interface TileRange {
  readonly level: number
  readonly from: number
  readonly to: number
}

/** Every entity of some rows, and when its newest row was. */
export async function* seenEntities(connection: DuckDBConnection, rows: ViewRows): AsyncGenerator<Built[]> {
  const keys = keyColumns(rows.view.entity.length)
  const sql = `select ${keySql(rows.view)}, max(et)::DOUBLE from (${rowsSql(rows, [])}) where not del group by ${keys.join(', ')}`
  for await (const columns of chunksOf(connection, sql)) {
    const newest = columns[keys.length] as number[]
    yield keysIn(rows.view, columns).map((key, row) => ({ key, newest: newest[row]!, tile: null }))
  }
}

/** The tiles of some rows. */
export async function* builtTiles(connection: DuckDBConnection, rows: ViewRows, range: TileRange): AsyncGenerator<Built[]> {
  const { view } = rows
  const level = view.windows!.levels[range.level]!
  const keys = keyColumns(view.entity.length)
  const tile = duckdb.tile('et', level.hop)
  const inputs = level.slots.flatMap(({ field }) => (field === null ? [] : [field]))
  const sql = `
    select ${keySql(view)}, tile::DOUBLE, newest::DOUBLE, ${level.slots.flatMap(readSql).join(', ')} from (
      select ${keys.join(', ')}, ${tile} as tile, max(et) as newest, ${groupedSql(level).join(', ')}
        from (select *, ${duckdb.place} as o from (${rowsSql(rows, inputs)}))
       where not del and et >= ${range.from * level.hop} and et < ${range.to * level.hop} group by ${keys.join(', ')}, ${tile})`
  for await (const columns of chunksOf(connection, sql)) {
    const [numbers, newest, ...values] = columns.slice(keys.length)
    yield keysIn(view, columns).map((key, row) => ({
      key,
      newest: (newest as number[])[row]!,
      tile: { level: range.level, number: (numbers as number[])[row]!, partials: partialsAt(level, values, row) },
    }))
  }
}

async function* chunksOf(connection: DuckDBConnection, sql: string): AsyncGenerator<Value[][]> {
  const result = await connection.stream(sql)
  for (let chunk = await result.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await result.fetchChunk())
    yield chunk.getColumns() as Value[][]
}

const asRead = (column: string, type: NamedField['type'] | null): string =>
  type === 'timestamp' ? `epoch_ms(${column})::DOUBLE` : column

const keySql = ({ entity }: View): string => entity.map(({ type }, index) => asRead(`k${index}`, type)).join(', ')

const keysIn = ({ entity }: View, columns: readonly Value[][]): string[] =>
  columns[0]!.map((_, row) => encodeKey(entity.map((_field, index) => narrowed(columns[index]![row]!))))

/** The columns that `partialsAt` reads. */
const readSql = (slot: Slot, index: number): string[] => [
  `n${index}::DOUBLE`,
  ...(slot.sum ? [`s${index}`] : []),
  ...(slot.spread ? [`a${index}`, `q${index}`] : []),
  ...(slot.min ? [`x${index}`] : []),
  ...(slot.max ? [`y${index}`] : []),
  ...(slot.last
    ? [asRead(`l${index}`, slot.type), ...['et', 'av', 'ep', 'pa', 'ofs'].map((part) => `p${index}['${part}']::DOUBLE`)]
    : []),
]

function partialsAt({ slots }: Level, columns: readonly Value[][], row: number): Partial[] {
  let at = 0
  const next = (): Value => columns[at++]![row]!
  const number = (): number => Number(next() ?? 0)
  return slots.map((slot) => {
    const partial = noPartial()
    partial.count = number()
    const empty = partial.count === 0
    if (slot.sum) partial.sum = number()
    if (slot.spread) {
      partial.mean = number()
      partial.squares = number()
    }
    if (slot.min) partial.min = extreme(next(), empty, partial.min)
    if (slot.max) partial.max = extreme(next(), empty, partial.max)
    if (slot.last) {
      const value = narrowed(next())
      const [eventTime, availableAt, epoch, partition, offset] = [number(), number(), number(), number(), number()]
      if (!empty) partial.last = { position: { eventTime, availableAt, epoch, partition, offset }, value }
    }
    return partial
  })
}

const extreme = (value: Value, empty: boolean, otherwise: number | bigint): number | bigint =>
  empty ? otherwise : (narrowed(value) as number | bigint)

/** DuckDB answers 64-bit integers as bigints; ours are only where they have to be. */
const narrowed = (value: Value): Value => {
  if (typeof value !== 'bigint') return value
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}
