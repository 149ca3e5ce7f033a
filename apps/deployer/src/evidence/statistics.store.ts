import { type Database, type Tx } from '@cascata/messaging'
import { type Rollout } from '../rollouts/deployment.ts'
import { addAll, type Arm, emptyArm, emptyPairs, type Pairs, type Sparse, type StepStatistics, unitsKept } from './arm.ts'
import { type Half, type StepCount } from './count-predictions.ts'

type Executor = Pick<Database, 'query'> | Pick<Tx, 'query'>

interface ArmRow {
  version: string
  requests: string
  errors: string
  units: string
  assigned: string
  latency: Sparse
  scores: Sparse
}

const armOf = ({ requests, errors, units, assigned, latency, scores }: ArmRow): Arm => ({
  requests: Number(requests),
  errors: Number(errors),
  units: Number(units),
  assigned: Number(assigned),
  latency,
  scores,
})

/** What a step has seen; null when nothing. */
export const findStatistics = async (
  db: Executor,
  { id, version, champion }: Rollout,
  step: number,
): Promise<StepStatistics | null> => {
  const arms = await db.query<ArmRow>('select * from step_statistics where rollout = $1 and step = $2', [id, step])
  if (arms.length === 0) return null
  const of = (name: string | null) => arms.filter((row) => row.version === name).map(armOf)[0] ?? emptyArm()
  const [pairs] = await db.query<Record<string, string>>('select * from step_pairs where rollout = $1 and step = $2', [id, step])
  return { champion: of(champion), candidate: of(version), pairs: pairs ? pairsOf(pairs) : emptyPairs() }
}

const pairsOf = (row: Record<string, string>): Pairs => ({
  n: Number(row['n']),
  onlyCandidateFailed: Number(row['only_candidate_failed']),
  onlyChampionFailed: Number(row['only_champion_failed']),
  differ: Number(row['differ']),
  distance: Number(row['distance']),
})

/** Rollouts that are still counted for: what comes late for one that is over says nothing to anybody. */
export const countedRollouts = async (
  tx: Tx,
  ids: readonly string[],
): Promise<Map<string, { namespace: string; model: string; version: string; champion: string | null }>> => {
  const rows = await tx.query<{ id: string; namespace: string; model: string; version: string; champion: string | null }>(
    `select id, namespace, model, version, champion from rollout where id = any($1) and state in ('shadow', 'step', 'held', 'paused', 'baking') order by id for no key update`,
    [ids],
  )
  return new Map(rows.map(({ id, ...rest }) => [id, rest]))
}

const keepUnits = async (
  tx: Tx,
  { rollout, step }: StepCount,
  version: string,
  assigned: boolean,
  units: Set<bigint>,
  known: number,
): Promise<number> => {
  const room = unitsKept - known
  if (room <= 0 || units.size === 0) return 0
  const kept = await tx.query(
    `insert into step_unit (rollout, step, version, assigned, unit) select $1, $2, $3, $4, unit from unnest($5::bigint[]) as unit order by unit
     on conflict do nothing returning 1 as one`,
    [rollout, step, version, assigned, [...units].slice(0, room).map(String)],
  )
  return kept.length
}

/** Adds to one arm of a step. Runs under the lock of its rollout, so read and write are one. */
const addArm = async (tx: Tx, count: StepCount, version: string): Promise<void> => {
  const { arm, scored, assigned } = count.arms.get(version)!
  const key = [count.rollout, count.step, version]
  const [row] = await tx.query<ArmRow>('select * from step_statistics where rollout = $1 and step = $2 and version = $3', key)
  const before = row ? armOf(row) : emptyArm()
  const units = before.units + (await keepUnits(tx, count, version, false, scored, before.units))
  const given = before.assigned + (await keepUnits(tx, count, version, true, assigned, before.assigned))
  await tx.query(
    `insert into step_statistics (rollout, step, version, requests, errors, units, assigned, latency, scores) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     on conflict (rollout, step, version) do update set requests = excluded.requests, errors = excluded.errors, units = excluded.units,
       assigned = excluded.assigned, latency = excluded.latency, scores = excluded.scores`,
    [
      ...key,
      before.requests + arm.requests,
      before.errors + arm.errors,
      units,
      given,
      JSON.stringify(addAll(before.latency, arm.latency)),
      JSON.stringify(addAll(before.scores, arm.scores)),
    ],
  )
}

const matched = (candidate: Half, champion: Half, into: Pairs): void => {
  into.n += 1
  if (candidate.failed && !champion.failed) into.onlyCandidateFailed += 1
  if (!candidate.failed && champion.failed) into.onlyChampionFailed += 1
  if (candidate.failed || champion.failed) return
  if (candidate.output !== champion.output) into.differ += 1
  if (candidate.score !== null && champion.score !== null) into.distance += Math.abs(candidate.score - champion.score)
}

/** Joins halves within the batch, then with those that wait from batches before; the rest waits. */
const addPairs = async (tx: Tx, { rollout, step, halves }: StepCount): Promise<void> => {
  const pairs = emptyPairs()
  const open = new Map<string, Half>()
  const join = (half: Half) => {
    const other = open.get(half.prediction)
    if (!other || other.candidate === half.candidate) return void open.set(half.prediction, half)
    open.delete(half.prediction)
    matched(half.candidate ? half : other, half.candidate ? other : half, pairs)
  }
  for (const half of halves) join(half)
  const waiting = await tx.query<Half>(
    `delete from half_pair where rollout = $1 and step = $2 and (prediction, candidate) in (select id, not side from unnest($3::text[], $4::boolean[]) as given(id, side))
     returning prediction, candidate, failed, output, score`,
    [rollout, step, [...open.keys()], [...open.values()].map(({ candidate }) => candidate)],
  )
  for (const half of waiting) join(half)
  const rest = [...open.values()]
  await tx.query(
    `insert into half_pair (rollout, step, prediction, candidate, failed, output, score)
     select $1, $2, * from unnest($3::text[], $4::boolean[], $5::boolean[], $6::text[], $7::double precision[]) on conflict do nothing`,
    [
      rollout,
      step,
      rest.map(({ prediction }) => prediction),
      rest.map(({ candidate }) => candidate),
      rest.map(({ failed }) => failed),
      rest.map(({ output }) => output),
      rest.map(({ score }) => score),
    ],
  )
  if (pairs.n === 0) return
  await tx.query(
    `insert into step_pairs (rollout, step, n, only_candidate_failed, only_champion_failed, differ, distance) values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (rollout, step) do update set n = step_pairs.n + excluded.n, only_candidate_failed = step_pairs.only_candidate_failed + excluded.only_candidate_failed,
       only_champion_failed = step_pairs.only_champion_failed + excluded.only_champion_failed, differ = step_pairs.differ + excluded.differ,
       distance = step_pairs.distance + excluded.distance`,
    [rollout, step, pairs.n, pairs.onlyCandidateFailed, pairs.onlyChampionFailed, pairs.differ, pairs.distance],
  )
}

/** Adds what a batch counted for a step of a rollout that `countedRollouts` has locked. Versions that the rollout does not know count for nobody. */
export const addCount = async (
  tx: Tx,
  count: StepCount,
  { version, champion }: { version: string; champion: string | null },
): Promise<void> => {
  for (const name of [...count.arms.keys()].sort()) if (name === version || name === champion) await addArm(tx, count, name)
  if (count.step === 0 && count.halves.length > 0) await addPairs(tx, count)
  if (count.randomised)
    await tx.query(
      `update rollout set randomised_from = least(randomised_from, $2), randomised_to = greatest(randomised_to, $3) where id = $1`,
      [count.rollout, count.randomised.from, count.randomised.to],
    )
}

const halvesKept = 50_000

/** Forgets what only served to count: units of rollouts that are over, halves whose other half will not come. */
export const forgetUnits = async (db: Executor): Promise<void> => {
  const over = (table: string) =>
    `delete from ${table} counted using rollout where rollout.id = counted.rollout and rollout.state in ('completed', 'rolledback', 'superseded')`
  await db.query(over('step_unit'))
  await db.query(over('half_pair'))
  await db.query('delete from half_pair where position < (select max(position) from half_pair) - $1', [halvesKept])
}
