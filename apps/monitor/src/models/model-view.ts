import { type StoredFinding } from '../findings/findings.store.ts'
import { driftShare } from '../findings/decide-drift.ts'
import { type WatchedVersion } from '../versions/versions.store.ts'
import { measureWindow } from '../windows/measure-window.ts'
import { isClosed, type Reference } from '../windows/window.ts'
import { type StoredWindow } from '../windows/windows.store.ts'
import { type WatchedModel } from './models.store.ts'
import { type AppliedModel } from './spec-of.ts'

const iso = (at: Date | null | undefined) => at?.toISOString() ?? null

/** A finding as people and programs see it. */
export const findingView = ({ data, by, openedAt, closedAt, reason }: StoredFinding) => ({
  ...data,
  by,
  state: closedAt ? ('closed' as const) : ('open' as const),
  openedAt: iso(openedAt),
  closedAt: iso(closedAt),
  ...(reason === null ? {} : { reason }),
})

interface WindowContext {
  readonly applied: AppliedModel | undefined
  readonly seenUpTo: Date | null
  readonly reference: Reference | null
}

/** A window with its measures. */
export const windowView = (window: StoredWindow, { applied, seenUpTo, reference }: WindowContext) => {
  const features = reference ? measureWindow(window.summary, reference) : []
  const policy = applied?.model.spec.monitor
  const size = window.to.getTime() - window.from.getTime()
  return {
    version: window.version,
    from: iso(window.from),
    to: iso(window.to),
    state: isClosed(window.to.getTime(), size, seenUpTo?.getTime() ?? -Infinity) ? ('closed' as const) : ('open' as const),
    rows: window.rows,
    errors: window.errors,
    counts: policy !== undefined && window.rows >= policy.drift.minRows,
    driftShare: policy ? driftShare(features, policy.drift.size) : null,
    features: features.map((feature) => ({ ...feature, drifts: policy !== undefined && feature.effect >= policy.drift.size })),
    score: window.summary.score,
    performance: window.performance,
    estimate: window.estimate,
    skew: window.joined?.skew ?? null,
    groups: window.joined?.groups ?? null,
  }
}

/** All that is known of a model. */
export const modelView = (
  watched: WatchedModel,
  applied: AppliedModel | undefined,
  {
    windows,
    versions,
    findings,
  }: { windows: readonly StoredWindow[]; versions: ReadonlyMap<string, WatchedVersion>; findings: readonly StoredFinding[] },
) => {
  const champion = watched.champion === null ? undefined : versions.get(watched.champion)
  return {
    namespace: watched.namespace,
    name: watched.name,
    champion: watched.champion,
    candidate: watched.candidate,
    /** `warming`: what serves has no profile yet, so its rows are in no window. */
    state: watched.champion === null ? ('idle' as const) : champion?.reference ? ('watched' as const) : ('warming' as const),
    holdout: champion?.holdout ?? null,
    learnedUpTo: iso(champion?.cutoff),
    seenUpTo: iso(watched.seenUpTo),
    labels: { ripe: watched.ripe, labelled: watched.labelled, cutoff: iso(watched.cutoff), joinedUpTo: iso(watched.joinedUpTo) },
    policy: applied?.model.spec.monitor ?? null,
    windows: windows.map((window) =>
      windowView(window, { applied, seenUpTo: watched.seenUpTo, reference: versions.get(window.version)?.reference ?? null }),
    ),
    findings: findings.map(findingView),
  }
}
