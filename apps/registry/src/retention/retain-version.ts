import { type Database, type Tx } from '@cascata/messaging'
import { type Clock, currentPrincipal } from '@cascata/service'
import { record } from '../audit/audit.store.ts'
import { versionKept, versionNotFound } from '../errors.ts'
import { findRoute } from '../lineage/lineage.store.ts'
import { type ModelName } from '../versions/model-name.ts'
import { type Version } from '../versions/version.ts'
import { findVersion, lockModel } from '../versions/versions.store.ts'
import { decideDelete, decidePurge, decideRestore, type Held, type RetentionDecision } from './decide-purge.ts'

type Word = 'deleted' | 'restored' | 'purged'

interface Act {
  readonly decide: (version: Version, route: Held | undefined) => RetentionDecision
  /** SQL after `set`; `$4` is the time, `$5` who. */
  readonly set: string
}

const acts: Readonly<Record<Word, Act>> = {
  deleted: { decide: decideDelete, set: 'deleted_at = $4::timestamptz' },
  restored: { decide: decideRestore, set: 'deleted_at = null' },
  purged: {
    decide: decidePurge,
    set: `purged = jsonb_build_object('at', $4::timestamptz, 'by', $5::text, 'modelSha256', model_sha256),
          model_sha256 = null, golden_sha256 = null, profile_sha256 = null`,
  },
}

/** The parameters that a statement names: Postgres refuses those that it does not. */
const named = (set: string, at: Date, who: string): unknown[] => (set.includes('$5') ? [at, who] : set.includes('$4') ? [at] : [])

/**
 * Deletes a version for a while, restores it, or purges its files: row, evidence and lineage stay, so that what has served can be explained.
 * Throws `REG_VERSION_NOT_FOUND`, `REG_VERSION_KEPT`.
 */
export const retainVersion =
  ({ db, clock }: { db: Database; clock: Clock }) =>
  async (name: ModelName, number: string, word: Word): Promise<Version> =>
    db.transaction(async (tx) => {
      const subject = `${name.namespace}/${name.model}/${number}`
      const find = async (within: Tx) => {
        const found = await findVersion(within, name, number)
        if (!found) throw versionNotFound({ version: subject })
        return found
      }
      await find(tx)
      await lockModel(tx, name, clock.now())
      const { decide, set } = acts[word]
      const decision = decide(await find(tx), (await findRoute(tx, name.namespace, name.model))?.said)
      if (decision.is === 'refused') throw versionKept({ version: subject, why: decision.why })
      if (decision.is === 'stands') return find(tx)
      const who = currentPrincipal().name
      await tx.query(`update model_version set ${set} where namespace = $1 and model = $2 and version = $3`, [
        name.namespace,
        name.model,
        number,
        ...named(set, new Date(clock.now()), who),
      ])
      await record(tx, { who, action: `version.${word}`, namespace: name.namespace, subject })
      return find(tx)
    })
