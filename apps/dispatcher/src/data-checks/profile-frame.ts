import { profileColumn, type ColumnProfile, type DatasetProfile } from '@cascata/statistics'
import { columnOf, wordAt, type ColumnSpec, type Frame } from '../frames/frame.ts'

/** Profile of the features of a frame, as monitor compares live inputs with. */
export const profileOf = (frame: Frame, columns: readonly ColumnSpec[]): DatasetProfile => ({
  rows: frame.rows,
  columns: Object.fromEntries(
    columns.filter(({ role }) => role === 'feature').map((spec) => [spec.name, profileOne(frame, spec)]),
  ),
})

function profileOne(frame: Frame, { name, type }: ColumnSpec): ColumnProfile {
  const column = columnOf(frame, name)
  if (column.kind === 'text') return profileColumn(Array.from({ length: frame.rows }, (_, row) => wordAt(column, row) || null))
  if (type === 'bool') return profileColumn(Array.from(column.values, (value) => (Number.isNaN(value) ? null : value !== 0)))
  return profileNumbers(column.values)
}

/** NaN is missing. */
export const profileNumbers = (values: Float32Array | Float64Array): ColumnProfile =>
  profileColumn(Array.from(values, (value) => (Number.isNaN(value) ? null : value)))
