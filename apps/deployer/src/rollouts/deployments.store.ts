import { type Cause } from '@cascata/events'
import { type Database, type Tx } from '@cascata/messaging'
import { type ServingFigures } from '../metrics.ts'
import { type RouteContent } from './decide-route.ts'
import { type Deployment, newDeployment, type Plan, type Rollout, shareOf, type VersionState } from './deployment.ts'

type Executor = Pick<Database, 'query'> | Pick<Tx, 'query'>

export interface ModelName {
  namespace: string
  model: string
}

/** A deployment as it is kept, with the route that was said last and in which generation. */
export interface KeptDeployment {
  deployment: Deployment
  route: RouteContent | null
  generation: number
  /** The event behind each rollout that is loaded, by its id: what is said of a rollout belongs to the cascade of its approval. */
  causes: Record<string, Cause | null>
}

interface DeploymentRow extends ModelName {
  revision: number | null
  plan: Plan | null
  deleted: boolean
  champion: string | null
  history: string[]
  last_rollout: string | null
  cutoff: string | null
  route: RouteContent | null
  generation: string
}

export interface RolloutRow extends ModelName {
  id: string
  version: string
  champion: string | null
  comparison: Rollout['comparison']
  plan: Plan | null
  phase: Rollout['phase']
  evidence: Record<string, unknown>
  cause: Cause | null
  randomised_from: string | null
  randomised_to: string | null
  created_at: Date
  changed_at: Date
}

export const rolloutOf = ({
  id,
  version,
  champion,
  comparison,
  plan,
  phase,
  evidence,
  randomised_from: from,
  randomised_to: to,
}: RolloutRow): Rollout => ({
  id,
  version,
  champion,
  comparison,
  plan,
  phase,
  evidence,
  randomised: from === null || to === null ? null : { from: Number(from), to: Number(to) },
})

const underWay = `('shadow', 'step', 'held', 'paused', 'baking')`

const readDeployment = async (
  db: Executor,
  { namespace, model }: ModelName,
  row: DeploymentRow,
  lock: '' | 'for no key update' = '',
): Promise<KeptDeployment> => {
  const key = [namespace, model]
  const rollouts = await db.query<RolloutRow>(
    `select * from rollout where namespace = $1 and model = $2 and (state in ${underWay} or state = 'pending' or id = $3) order by id ${lock}`,
    [...key, row.last_rollout],
  )
  const versions = await db.query<VersionState & { version: string }>(
    'select version, standing, loaded, findings from version where namespace = $1 and model = $2',
    key,
  )
  const find = (fits: (row: RolloutRow) => boolean): Rollout | null => {
    const found = rollouts.find(fits)
    return found ? rolloutOf(found) : null
  }
  return {
    deployment: {
      ...newDeployment(namespace, model),
      revision: row.revision,
      plan: row.plan,
      deleted: row.deleted,
      champion: row.champion,
      history: row.history,
      cutoff: row.cutoff === null ? null : Number(row.cutoff),
      versions: Object.fromEntries(versions.map(({ version, ...state }) => [version, state])),
      last: find(({ id }) => id === row.last_rollout),
      waiting: find(({ phase }) => phase.is === 'pending'),
      rollout: find(({ phase }) => ['shadow', 'step', 'held', 'paused', 'baking'].includes(phase.is)),
    },
    route: row.route,
    generation: Number(row.generation),
    causes: Object.fromEntries(rollouts.map(({ id, cause }) => [id, cause])),
  }
}

const lockRow = async (tx: Tx, { namespace, model }: ModelName): Promise<DeploymentRow | undefined> =>
  (
    await tx.query<DeploymentRow>('select * from deployment where namespace = $1 and model = $2 for update', [namespace, model])
  )[0]

/**
 * Locks a model's deployment and its rollouts until the transaction ends; makes it when there was none.
 * What belongs to it is read after the lock, in statements of their own: they see what the last holder has committed.
 * Rollouts are locked since counting writes to them: a look must not see the units of a count and miss when they were.
 */
export const lockDeployment = async (tx: Tx, name: ModelName): Promise<KeptDeployment> => {
  const present = await lockRow(tx, name)
  if (present) return readDeployment(tx, name, present, 'for no key update')
  await tx.query('insert into deployment (namespace, model) values ($1, $2) on conflict do nothing', [name.namespace, name.model])
  return readDeployment(tx, name, (await lockRow(tx, name))!, 'for no key update')
}

export const findDeployment = async (db: Executor, name: ModelName): Promise<KeptDeployment | null> => {
  const [row] = await db.query<DeploymentRow>('select * from deployment where namespace = $1 and model = $2', [
    name.namespace,
    name.model,
  ])
  return row ? readDeployment(db, name, row) : null
}

/** Models with something under way, or waiting. */
export const busyModels = (db: Executor): Promise<ModelName[]> =>
  db.query<ModelName>(`select distinct namespace, model from rollout where state in ${underWay} or state = 'pending'`)

/** Every route that was ever said. */
export const saidRoutes = async (db: Executor): Promise<{ route: RouteContent; revision: number; generation: number }[]> => {
  const rows = await db.query<DeploymentRow>('select * from deployment where route is not null')
  return rows.map(({ route, revision, generation }) => ({
    route: route!,
    revision: revision ?? 1,
    generation: Number(generation),
  }))
}

/** For metrics: which generation of each route holds, and how much of the traffic its rollout has. */
export const servingFigures = async (db: Executor): Promise<ServingFigures[]> => {
  const rows = await db.query<Omit<DeploymentRow & RolloutRow, 'generation'> & { generation: string; id: string | null }>(
    `select d.namespace, d.model, d.generation, r.id, r.plan, r.phase from deployment d
       left join rollout r on r.namespace = d.namespace and r.model = d.model and r.state in ${underWay}
      where d.route is not null order by 1, 2 limit 10000`,
  )
  return rows.map(({ namespace, model, generation, id, plan, phase }) => ({
    namespace,
    model,
    generation: Number(generation),
    share: id === null ? 0 : shareOf({ plan, phase }),
  }))
}

export const saveDeployment = async (tx: Tx, { deployment, route, generation }: KeptDeployment): Promise<void> => {
  const { namespace, model, revision, plan, deleted, champion, history, last, cutoff } = deployment
  await tx.query(
    `update deployment set revision = $3, plan = $4, deleted = $5, champion = $6, history = $7, last_rollout = $8, cutoff = $9, route = $10, generation = $11
      where namespace = $1 and model = $2`,
    [namespace, model, revision, json(plan), deleted, champion, history, last?.id ?? null, cutoff, json(route), generation],
  )
}

export const saveVersions = async (
  tx: Tx,
  { namespace, model, versions }: Deployment,
  before: Deployment['versions'],
): Promise<void> => {
  for (const [version, state] of Object.entries(versions)) {
    if (JSON.stringify(before[version]) === JSON.stringify(state)) continue
    await tx.query(
      `insert into version (namespace, model, version, standing, loaded, findings) values ($1, $2, $3, $4, $5, $6)
       on conflict (namespace, model, version) do update set standing = excluded.standing, loaded = excluded.loaded, findings = excluded.findings`,
      [namespace, model, version, state.standing, state.loaded, json(state.findings)],
    )
  }
}

/** Keeps rollouts; those that are over first, so that one model never has two under way. What counting writes (randomised) is left alone. */
export const saveRollouts = async (
  tx: Tx,
  { namespace, model }: ModelName,
  rollouts: readonly Rollout[],
  cause: Cause | null,
): Promise<void> => {
  for (const { id, version, champion, comparison, plan, phase, evidence } of rollouts) {
    await tx.query(
      `insert into rollout (id, namespace, model, version, champion, comparison, plan, state, phase, evidence, cause)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
       on conflict (id) do update set champion = excluded.champion, plan = excluded.plan, state = excluded.state, phase = excluded.phase,
         evidence = excluded.evidence, changed_at = now()`,
      [id, namespace, model, version, champion, comparison, json(plan), phase.is, json(phase), json(evidence), json(cause)],
    )
  }
}

/** Rollouts, the newest first. */
export const listRollouts = (
  db: Executor,
  { namespace, model, state, limit }: Partial<ModelName> & { state?: string; limit: number },
): Promise<RolloutRow[]> =>
  db.query<RolloutRow>(
    `select * from rollout where ($1::text is null or namespace = $1) and ($2::text is null or model = $2) and ($3::text is null or state = $3)
      order by created_at desc, id desc limit $4`,
    [namespace ?? null, model ?? null, state ?? null, limit],
  )

const json = (value: unknown): string | null => (value === null || value === undefined ? null : JSON.stringify(value))
