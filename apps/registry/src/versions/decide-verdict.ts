import { type VersionState } from './version.ts'

/** What a verdict does to a version: nothing when it stands already, else the version takes its state. */
export type VerdictDecision = { readonly is: 'stands' } | { readonly is: 'given'; readonly from: VersionState }

/**
 * A person may approve what was rejected, and reject what was approved: the newest word holds. The same word again says nothing new,
 * so that no second rollout starts.
 */
export const decideVerdict = (state: VersionState, verdict: 'approved' | 'rejected'): VerdictDecision =>
  state === verdict ? { is: 'stands' } : { is: 'given', from: state }
