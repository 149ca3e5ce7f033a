import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { CommandError } from '../errors.ts'
import { type Api, path } from '../http.ts'
import { type Progress } from '../output/progress.ts'
import { type SourceFile } from './sources.ts'

/** An import as the feature store shows it. */
export interface ImportShown {
  id: string
  state: 'receiving' | 'queued' | 'running' | 'done' | 'failed'
  rows: number
  accepted: number
  rejected: number
  ignored: number
  reasons: Record<string, number>
  error?: { code: string; message: string }
  files: { name: string; sha256: string; bytes: number; received: number; rows: number; state: string }[]
  rejects: { file: string; row: number; code: string; field?: string | null; message?: string | null }[]
}

const pieceBytes = 8 * 1024 ** 2

/** A file with the hash of its content, by which the feature store knows it. */
export type HashedFile = SourceFile & { readonly sha256: string }

export async function hashed(files: readonly SourceFile[], progress: Progress, signal: AbortSignal): Promise<HashedFile[]> {
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0)
  let done = 0
  const known: HashedFile[] = []
  for (const file of files) {
    const hash = createHash('sha256')
    for await (const chunk of createReadStream(file.path, { highWaterMark: 1024 ** 2, signal }) as AsyncIterable<Buffer>) {
      hash.update(chunk)
      done += chunk.length
      progress.show('reading', done, total)
    }
    known.push({ ...file, sha256: hash.digest('hex') })
  }
  return known
}

/** Says which files are to be imported; again, it is the same import, as far as it is. */
export const announce = (
  api: Api,
  { namespace, name }: { namespace: string; name: string },
  files: readonly HashedFile[],
  maxRejects: number | null,
): Promise<ImportShown> =>
  api.post<ImportShown>('/v1/imports', {
    namespace,
    view: name,
    maxRejects,
    files: files.map(({ sha256, name: called, bytes, format }) => ({ sha256, name: called, bytes, format })),
  })

/** Sends what the feature store does not have yet, piece by piece. */
export async function sendFiles(
  api: Api,
  { id, files: wanted, state }: ImportShown,
  files: readonly HashedFile[],
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  if (state !== 'receiving') return
  const total = wanted.reduce((sum, { bytes }) => sum + bytes, 0)
  let sent = wanted.reduce((sum, { received }) => sum + received, 0)
  for (const { sha256, bytes, received } of wanted) {
    const file = files.find((each) => each.sha256 === sha256)
    if (!file || received >= bytes) continue
    const handle = await open(file.path, 'r')
    try {
      for (let at = received; at < bytes;) {
        if (signal.aborted) throw interrupted()
        const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(Math.min(pieceBytes, bytes - at)), 0, null, at)
        if (bytesRead === 0) throw new CommandError('CLI_FILE_CHANGED', `${file.name} has become shorter while it was sent`)
        await api.upload(path`/v1/imports/${id}/files/${sha256}`, buffer.subarray(0, bytesRead), { offset: at })
        at += bytesRead
        sent += bytesRead
        progress.show('sending', sent, total)
      }
    } finally {
      await handle.close()
    }
  }
}

/** Follows an import to its end. */
export async function followed(api: Api, id: string, progress: Progress, signal: AbortSignal): Promise<ImportShown> {
  const begun = Date.now()
  for (;;) {
    const shown = await api.get<ImportShown>(path`/v1/imports/${id}`)
    if (shown.state === 'done' || shown.state === 'failed') return shown
    if (signal.aborted) throw interrupted()
    const converted = shown.files.reduce((sum, { bytes, state }) => sum + (state === 'waiting' ? 0 : bytes), 0)
    const rate = Math.round((shown.rows * 1000) / Math.max(1, Date.now() - begun))
    progress.show(
      'importing',
      converted,
      shown.files.reduce((sum, { bytes }) => sum + bytes, 0),
      `${shown.rows} rows, ${rate}/s`,
    )
    await new Promise((done) => setTimeout(done, 250))
  }
}

const interrupted = () =>
  new CommandError('CLI_INTERRUPTED', 'interrupted', { hint: 'run it again: it goes on where it stopped' })
