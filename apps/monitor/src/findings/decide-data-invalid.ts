import { type FeatureMeasure } from '../windows/measure-window.ts'
import { chance, type JudgedFeature, type JudgedWindow, type Judgement, unknown } from './judgement.ts'

/** A share of nulls, or of values outside of the profile, that grows by more is invalid data and no drift. */
export const INVALID_GROWTH = 0.01

/** Rows of one view of a window that were refused, beside those taken. */
export interface ViewCount {
  readonly view: string
  readonly accepted: number
  readonly rejected: number
  /** Share of rows refused before the window. */
  readonly usual: number
}

export interface WindowData extends JudgedWindow {
  readonly features: readonly FeatureMeasure[]
  readonly views: readonly ViewCount[]
}

/** What of the growth of a share lies above one point, and above what so few rows show by chance; 0 or less: nothing. */
const excess = (share: number, usual: number, rows: number): number =>
  share - usual - Math.max(INVALID_GROWTH, chance(usual, rows))

const ofFeature = ({ name, rows, weight, measure, ...shares }: FeatureMeasure): JudgedFeature[] => {
  const found: JudgedFeature[] = []
  const importance = weight
  if (excess(shares.nullRate, shares.referenceNullRate, rows) > 0)
    found.push({
      name,
      size: shares.nullRate - shares.referenceNullRate,
      measure: 'null-rate',
      anomaly: 'FEATURE_TYPE_LOW_FRACTION_PRESENT',
      importance,
    })
  if (excess(shares.outside, shares.referenceOutside, rows) > 0) {
    const anomaly = measure === 'jensen-shannon' ? 'ENUM_TYPE_UNEXPECTED_STRING_VALUES' : 'FLOAT_TYPE_OUT_OF_RANGE'
    found.push({ name, size: shares.outside - shares.referenceOutside, measure: 'outside-share', anomaly, importance })
  }
  return found
}

const ofView = ({ view, accepted, rejected, usual }: ViewCount): JudgedFeature[] => {
  const rows = accepted + rejected
  const share = rejected / (rows || 1)
  return rows > 0 && excess(share, usual, rows) > 0
    ? [{ name: view, size: share - usual, measure: 'rejected-share', anomaly: 'ROWS_REJECTED' }]
    : []
}

/**
 * Whether the newest data is invalid: a null rate, a share outside of the training profile, or a share of refused rows that grew by more than
 * one point. One window is enough, and it need not be closed: broken data must not be learned from. Columns of timestamps leave their range by
 * nature and are not asked about it.
 *
 * @param windows windows of one version, oldest first; the newest with enough rows decides
 */
export const decideDataInvalid = (
  windows: readonly WindowData[],
  { minRows, timestamps }: { minRows: number; timestamps: ReadonlySet<string> },
): Judgement => {
  const newest = windows.findLast(
    ({ rows, views }) => rows >= minRows || views.some(({ accepted, rejected }) => accepted + rejected >= minRows),
  )
  if (!newest) return unknown
  const ofInputs = newest.rows >= minRows ? newest.features.flatMap(ofFeature) : []
  const ofViews = newest.views.filter(({ accepted, rejected }) => accepted + rejected >= minRows).flatMap(ofView)
  const features = [
    ...ofInputs.filter(({ name, measure }) => measure !== 'outside-share' || !timestamps.has(name)),
    ...ofViews,
  ].sort((a, b) => (b.size ?? 0) - (a.size ?? 0))
  const size = features[0]?.size ?? 0
  const told = { measure: features[0]?.measure ?? 'outside-share', size, threshold: INVALID_GROWTH }
  if (features.length === 0) return { is: 'good', ...told }
  const { from, to, rows } = newest
  return { is: 'bad', ...told, windows: [{ from, to, rows }], features, evidence: { growth: INVALID_GROWTH } }
}
