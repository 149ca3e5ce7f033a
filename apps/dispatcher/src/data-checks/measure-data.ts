import { DuckDBInstance } from '@duckdb/node-api'
import { PROFILE_CATEGORIES, type ColumnProfile } from '@cascata/statistics'
import { columnOf, wordAt, type ColumnSpec, type Frame } from '../frames/frame.ts'
import { readFrame } from '../frames/read-frame.ts'
import { type CheckRequest, type CheckResult, type DatasetFiles } from '../gates/measurement.ts'
import { type ColumnFigures } from './decide-data-checks.ts'

/** Measures what the data checks decide on: rows, schema, labels, and the newest rows against the reference. */
export async function measureData({ data, reference }: CheckRequest): Promise<CheckResult> {
  const present = await schemaOf(data)
  const known = new Set(present.map(({ name }) => name))
  const columns = data.columns.filter(({ name }) => known.has(name))
  const newest = await readFrame(data.holdout, columns)
  const labels = await readFrame(
    data.train,
    columns.filter(({ role }) => role === 'label' || role === 'at'),
  )
  const validation = await readFrame(
    data.validation,
    columns.filter(({ role }) => role === 'label' || role === 'at'),
  )
  return {
    rows: { train: labels.rows, validation: validation.rows, holdout: newest.rows },
    present,
    classes: data.task === 'regression' || !known.has(data.label) ? null : classesIn(labels, data.label),
    columns: columns
      .filter(({ role }) => role === 'feature')
      .map((spec) => figuresOf(newest, spec, reference?.columns[spec.name])),
  }
}

const typeNames: Record<string, string> = {
  VARCHAR: 'string',
  BOOLEAN: 'bool',
  INTEGER: 'int32',
  BIGINT: 'int',
  FLOAT: 'float',
  DOUBLE: 'double',
}

/** Columns of the files, by the types of the resources. */
async function schemaOf({ train, validation, holdout }: DatasetFiles): Promise<{ name: string; type: string }[]> {
  const [path] = [...train, ...validation, ...holdout]
  if (!path) return []
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  try {
    const connection = await instance.connect()
    const rows = (
      await connection.runAndReadAll(`describe select * from read_parquet('${path.replaceAll("'", "''")}')`)
    ).getRowObjects()
    return rows.map(({ column_name, column_type }) => {
      const type = String(column_type)
      return {
        name: String(column_name),
        type: typeNames[type] ?? (type.startsWith('TIMESTAMP') ? 'timestamp' : type.toLowerCase()),
      }
    })
  } finally {
    instance.closeSync()
  }
}

function classesIn(frame: Frame, label: string): number {
  const column = columnOf(frame, label)
  return column.kind === 'text' ? new Set(column.codes).size : new Set(column.values).size
}

function figuresOf(frame: Frame, { name, type }: ColumnSpec, reference: ColumnProfile | undefined): ColumnFigures {
  const column = columnOf(frame, name)
  const rows = frame.rows
  const share = (test: (row: number) => boolean): number => {
    let count = 0
    for (let row = 0; row < rows; row++) if (test(row)) count++
    return rows === 0 ? 0 : count / rows
  }
  const missing = share((row) => (column.kind === 'text' ? (column.codes[row] as number) < 0 : Number.isNaN(column.values[row])))
  return {
    column: name,
    type,
    rows,
    missing,
    outside: outsideOf(),
    reference: reference ? { missing: missingIn(reference) } : null,
  }

  /** Times go on, so they have no range; neither has a text with more categories than a profile names. */
  function outsideOf(): number | null {
    if (!reference || type === 'timestamp' || type === 'bool') return null
    if (column.kind === 'number' && reference.kind === 'numeric') {
      const { min, max } = reference
      if (min === null || max === null) return null
      return share(
        (row) => (column.values[row] as number) < Math.fround(min) || (column.values[row] as number) > Math.fround(max),
      )
    }
    if (column.kind !== 'text' || reference.kind !== 'categorical') return null
    const { categories, other } = reference.histogram
    if (other > 0 || categories.length === 0 || categories.length >= PROFILE_CATEGORIES) return null
    const known = new Set(categories)
    return share((row) => (column.codes[row] as number) >= 0 && !known.has(wordAt(column, row)))
  }
}

const missingIn = ({ rows, histogram }: ColumnProfile): number =>
  rows === 0 ? 0 : (histogram.nulls + (histogram.kind === 'numeric' ? histogram.nans : 0)) / rows
