import { createHash } from 'node:crypto'
import { type Database } from '@cascata/messaging'
import { mayAccess } from '@cascata/service'
import { z } from 'zod'
import { type Phase, pageQuery, phasesOf, type Place, type RunSearch } from './filter/run-pages.ts'
import { type WholeRun, wholeRuns } from './runs.store.ts'
import { refuse } from './wire.ts'

const placeShape = z.object({
  phase: z.enum(['all', 'number', 'nan', 'missing']),
  keys: z.array(z.union([z.string().max(10_000), z.number(), z.null()])).max(50),
  of: z.string(),
})

/** Tells one search from another: a place of one means nothing in another. */
const nameOf = ({ stages, clauses, orders, experiments }: RunSearch): string =>
  createHash('sha256')
    .update(JSON.stringify([experiments, stages, clauses, orders]))
    .digest('base64url')
    .slice(0, 12)

const tokenOf = (search: RunSearch, place: Place): string =>
  Buffer.from(JSON.stringify({ ...place, of: nameOf(search) })).toString('base64url')

const placeOf = (search: RunSearch, token: string | undefined): Place | undefined => {
  if (token === undefined || token === '') return undefined
  try {
    const place = placeShape.parse(JSON.parse(Buffer.from(token, 'base64url').toString()))
    if (place.of === nameOf(search) && phasesOf(search).includes(place.phase)) return place
  } catch {
    // Falls through to the refusal below.
  }
  return refuse('Invalid page token, could not base64-decode')
}

interface Found {
  readonly run: string
  readonly place: Place
}

const findIn = async (
  db: Database,
  search: RunSearch,
  phase: Phase,
  place: Place | undefined,
  limit: number,
): Promise<Found[]> => {
  const { sql, params } = pageQuery(search, phase, place, limit)
  const rows = await db.query<Record<string, string | number | null> & { run_id: string }>(sql, params)
  return rows.map(({ run_id, ...keys }) => ({
    run: run_id,
    place: { phase, keys: Object.keys(keys).map((_, index) => keys[`k${index}`]!) },
  }))
}

/** The experiments of a list that who asks may see. */
const visible = async (db: Database, experiments: readonly string[]): Promise<string[]> => {
  const rows = await db.query<{ id: string; namespace: string }>(
    'select id, namespace from experiment where id = any($1::bigint[])',
    [experiments.filter((id) => /^\d{1,18}$/.test(id))],
  )
  return rows.filter(({ namespace }) => mayAccess(namespace)).map(({ id }) => id)
}

/** One page of a search, and the token of the next one. Runs that are made or removed meanwhile shift no page. */
export const searchRuns = async (
  db: Database,
  asked: RunSearch,
  limit: number,
  token: string | undefined,
): Promise<{ runs: WholeRun[]; next: string | undefined }> => {
  const search = { ...asked, experiments: (await visible(db, asked.experiments)).toSorted() }
  const place = placeOf(search, token)
  const phases = phasesOf(search)
  const found: Found[] = []
  for (const phase of phases.slice(place ? phases.indexOf(place.phase) : 0)) {
    if (found.length > limit) break
    found.push(...(await findIn(db, search, phase, place?.phase === phase ? place : undefined, limit + 1 - found.length)))
  }
  const page = found.slice(0, limit)
  return {
    runs: await wholeRuns(
      db,
      page.map(({ run }) => run),
    ),
    next: found.length > limit ? tokenOf(search, page.at(-1)!.place) : undefined,
  }
}
