import { randomUUID } from 'node:crypto'
import { findingClosed, findingOpened, type DataOf } from '@cascata/events'
import { fact, type Tx } from '@cascata/messaging'
import { type View } from '../feature-views/view.ts'

/** What this service finds about a view. */
export type ViewFinding = 'data-gap' | 'freshness'

/** How large it is, and what would be right. */
export interface Measured {
  readonly measure: string
  readonly size: number | null
  readonly threshold: number | null
  readonly evidence?: Record<string, unknown>
}

type Said = Omit<DataOf<typeof findingOpened>, 'evidence'>

/** Opens a finding about a view, once: while it is open, nothing is said again. The view is locked by the caller. */
export const openFinding = async (tx: Tx, view: View, type: ViewFinding, measured: Measured): Promise<void> => {
  const { evidence, ...sized } = measured
  const said: Said = {
    namespace: view.namespace,
    view: view.name,
    revision: view.revision,
    finding: `f-${randomUUID()}`,
    episode: `e-${randomUUID()}`,
    type,
    version: null,
    windows: [],
    features: [],
    ...sized,
  }
  const opened = await tx.query(
    `insert into finding (id, episode, view_id, type, data) values ($1, $2, $3, $4, $5)
     on conflict (view_id, type) where closed_at is null do nothing returning 1 as one`,
    [said.finding, said.episode, view.id, type, JSON.stringify(said)],
  )
  if (opened.length > 0) await tx.publish(fact(findingOpened, { ...said, ...(evidence ? { evidence } : {}) }))
}

/** Closes the open finding of a type, if there is one. The view is locked by the caller. */
export const closeFinding = async (
  tx: Tx,
  view: View,
  type: ViewFinding,
  reason: string,
  size: number | null = null,
): Promise<void> => {
  const [closed] = await tx.query<{ data: Said }>(
    'update finding set closed_at = now() where view_id = $1 and type = $2 and closed_at is null returning data',
    [view.id, type],
  )
  if (closed) await tx.publish(fact(findingClosed, { ...closed.data, revision: view.revision, size, reason }))
}
