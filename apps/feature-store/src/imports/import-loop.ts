import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { bell, pause } from '@cascata/messaging'
import { type CodedError } from '@cascata/service'
import { erasuresOf } from '../erasure/erasures.store.ts'
import { type FeatureStoreConfig } from '../config.ts'
import { importBroken, importRejected, importUnreadable, viewNotFound } from '../errors.ts'
import { qualified, type View } from '../feature-views/view.ts'
import { findView, type StoredView } from '../feature-views/views.store.ts'
import { rebuild, type RebuildParts, restore } from '../online/rebuild.ts'
import { commitImport, type CommitParts, importOf, ImportOvertaken } from './commit-import.ts'
import { convertFile, ConverterDied } from './convert-host.ts'
import { ImportRefused } from './file-columns.ts'
import {
  addConverted,
  beginImport,
  countAttempt,
  endImport,
  findImport,
  forgetAbandoned,
  type Import,
  type ImportFile,
  listFiles,
  listSegments,
  markConverted,
  nextImport,
  restartImport,
} from './imports.store.ts'

export interface ImportParts extends RebuildParts, CommitParts {
  readonly config: Pick<FeatureStoreConfig, 'importMemory' | 'importThreads' | 'maxImportRows'>
  /** Where the partitions of a topic end. */
  readonly ends: (topic: string) => Promise<ReadonlyMap<number, number>>
  /** The service's folder, where segments lie, and where what was sent lies. */
  readonly folders: { readonly base: string; readonly segments: string; readonly imports: string }
}

/** Times that the process which reads a file may die before the file is given up. */
const maxAttempts = 3

export const folderOfImport = (imports: string, id: string): string => join(imports, id)
export const fileOfImport = (imports: string, id: string, sha256: string): string => join(imports, id, sha256)

/** Imports files, one import after the other, on one replica. What is done is recorded, so that another goes on where it stopped. */
export function importing(parts: ImportParts) {
  const rung = bell()
  const run = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      try {
        const job = await nextImport(parts.db)
        if (job) await runImport(parts, job, signal)
        else await idle(parts, () => rung.wait(2_000, signal))
      } catch (error) {
        if (signal.aborted) return
        parts.log.warn({ err: error }, 'an import waits: it is tried again')
        await pause(2_000, signal)
      }
    }
  }
  return { run, ring: () => rung.ring() }
}

async function idle({ db, folders }: ImportParts, wait: () => Promise<void>): Promise<void> {
  for (const id of await forgetAbandoned(db)) await rm(folderOfImport(folders.imports, id), { recursive: true, force: true })
  await wait()
}

/** Takes an import as far as it goes; ends it when the file is at fault, throws when something else is. */
async function runImport(parts: ImportParts, asked: Import, signal: AbortSignal): Promise<void> {
  try {
    const { job, stored } = await begun(parts, asked)
    for (const file of await listFiles(parts.db, job.id))
      if (file.state === 'waiting') await convertOne(parts, job.id, stored.view, file, signal)
    await finish(parts, (await findImport(parts.db, job.id))!)
  } catch (error) {
    if (error instanceof ImportOvertaken) return restart(parts, asked)
    if (error instanceof ConverterDied) {
      if ((await countAttempt(parts.db, asked.id)) < maxAttempts) return
      return fail(parts, asked, importBroken())
    }
    if (error instanceof ImportRefused) return fail(parts, asked, importUnreadable({ file: 'the file', problem: error.message }))
    if (isRefusal(error)) return fail(parts, asked, error)
    throw error
  }
}

const isRefusal = (error: unknown): error is CodedError =>
  ['FS_IMPORT_UNREADABLE', 'FS_IMPORT_REJECTED', 'FS_VIEW_NOT_FOUND'].includes((error as CodedError).code)

/** An import with all that it rests on: the clock, the erasures and the place of its rows are the same however often it is taken up. */
async function begun({ db, clock }: ImportParts, asked: Import): Promise<{ job: Import; stored: StoredView }> {
  const stored = await findView(db, asked.namespace, asked.view)
  if (!stored) throw viewNotFound({ view: qualified({ namespace: asked.namespace, name: asked.view }) })
  if (stored.view.id !== asked.viewId) throw new ImportOvertaken('The view was created anew, or its key has changed.')
  if (asked.baseOffset === null) await beginImport(db, asked.id, clock.now(), (await erasuresOf(db, stored.view)).number)
  return { job: (await findImport(db, asked.id))!, stored }
}

async function convertOne(parts: ImportParts, id: string, view: View, file: ImportFile, signal: AbortSignal): Promise<void> {
  const { db, config, folders } = parts
  let job = (await findImport(db, id))!
  const erasures = await erasuresOf(db, view)
  if (erasures.number !== job.erasures) throw new ImportOvertaken('An entity was erased.')
  let { rows } = file
  const { namespace, name, revision, spec } = view
  const converting = {
    view: { id: view.id, namespace, name, revision, spec },
    path: fileOfImport(folders.imports, id, file.sha256),
    format: file.format,
    fromRow: rows,
    firstOffset: job.baseOffset! + job.rows - rows,
    now: job.clock!,
    erasures,
    folder: folders.segments,
    maxRows: config.maxImportRows,
  }
  try {
    const settings = { base: folders.base, memory: config.importMemory, threads: config.importThreads, signal }
    await convertFile(converting, file.sha256, settings, async (converted) => {
      await db.transaction((tx) =>
        addConverted(tx, { id, baseOffset: job.baseOffset!, rows: job.rows }, { number: file.number, rows }, converted),
      )
      rows = converted.toRow
      job = (await findImport(db, id))!
      if (job.maxRejects !== null && job.rejected > job.maxRejects)
        throw importRejected({ rejected: job.rejected, limit: job.maxRejects })
    })
  } catch (error) {
    if (error instanceof ImportRefused) throw importUnreadable({ file: file.name, problem: error.message })
    throw error
  }
  await markConverted(db, id, file.number)
  await rm(`${converting.path}.staged`, { force: true })
}

/** Rows go online first, the winner of each key alone: a crash in between repeats an idempotent write. */
async function finish(parts: ImportParts, job: Import): Promise<void> {
  const { db, clock, folders, log, metrics } = parts
  const stored = await findView(db, job.namespace, job.view)
  if (stored?.view.id !== job.viewId) throw new ImportOvertaken('The view was deleted.')
  const written = await listSegments(db, job.id)
  const files = written.map(({ segment: { file, revision } }) => ({ path: join(folders.segments, file), revision }))
  if (!stored.view.windows) await restore(parts, stored.view, files)
  const ends = await parts.ends(stored.view.spec.source.topic).catch(() => null)
  const reached = { online: stored.state.onlineGeneration, now: clock.now(), look: ends && { ends } }
  const view = await commitImport(parts, job, written, reached)
  if (view.windows && written.length > 0) await rebuild(parts, view)
  const labels = { namespace: view.namespace, view: view.name }
  metrics.rows.inc({ ...labels, outcome: 'accepted' }, job.accepted)
  metrics.rows.inc({ ...labels, outcome: 'rejected' }, job.rejected)
  for (const [code, count] of Object.entries(job.reasons)) metrics.rejected.inc({ ...labels, code }, Number(count))
  await rm(folderOfImport(folders.imports, job.id), { recursive: true, force: true })
  log.info({ ...importOf(job), rows: job.accepted, rejected: job.rejected }, 'an import is done')
}

async function dropFiles({ db, folders }: ImportParts, id: string): Promise<void> {
  for (const { segment } of await listSegments(db, id)) await rm(join(folders.segments, segment.file), { force: true })
}

async function restart(parts: ImportParts, job: Import): Promise<void> {
  await dropFiles(parts, job.id)
  await parts.db.transaction((tx) => restartImport(tx, job.id))
}

async function fail(parts: ImportParts, job: Import, { code, message }: CodedError): Promise<void> {
  await dropFiles(parts, job.id)
  // Before it is told: who reads that sends the files again.
  await rm(folderOfImport(parts.folders.imports, job.id), { recursive: true, force: true })
  await endImport(parts.db, job.id, { code, message })
  parts.log.info({ ...importOf(job), code }, 'an import has failed')
}
