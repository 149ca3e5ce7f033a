import { iso } from '../ingest/validate-times.ts'
import { type StoredView } from './views.store.ts'

/** ISO 8601 of Unix ms. */
export const instant = (ms: number | null): string | null => (ms === null ? null : iso(ms))

/** How fresh a view is: by how much its watermark is behind the clock, and when its last row came. */
export const freshnessOf = ({ view, state }: StoredView) => ({
  objectiveMs: view.spec.freshness,
  lagMs: state.watermark === null ? null : Math.max(0, Date.now() - state.watermark),
  lastRowAt: instant(state.lastRowAt),
})
