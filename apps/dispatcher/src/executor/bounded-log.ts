import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jobFiles } from './job-folder.ts'

const half = 512 * 1024

/** Keeps the first and the last half megabyte of what a job prints. */
export function boundedLog(folder: string) {
  let head = 0
  let total = 0
  let tail = Buffer.alloc(0)
  let dirty = false
  return {
    write(chunk: Buffer): void {
      total += chunk.length
      const first = chunk.subarray(0, Math.max(0, half - head))
      if (first.length > 0) appendFileSync(join(folder, jobFiles.log), first)
      head += first.length
      const rest = chunk.subarray(first.length)
      if (rest.length === 0) return
      tail = Buffer.concat([tail, rest])
      if (tail.length > 2 * half) tail = Buffer.from(tail.subarray(tail.length - half))
      dirty = true
    },
    /** Makes the last part readable; called now and then, and at the end. */
    flush(): void {
      if (!dirty) return
      dirty = false
      const kept = tail.subarray(Math.max(0, tail.length - half))
      const left = total - head - kept.length
      const note = left > 0 ? Buffer.from(`\n… ${left} bytes were left out …\n`) : Buffer.alloc(0)
      writeFileSync(join(folder, `.${jobFiles.logTail}`), Buffer.concat([note, kept]))
      renameSync(join(folder, `.${jobFiles.logTail}`), join(folder, jobFiles.logTail))
    },
    total: (): number => total,
  }
}

/** What a job printed, as far as it was kept. */
export const keptLog = (folder: string): string =>
  [jobFiles.log, jobFiles.logTail]
    .map((name) => {
      try {
        return readFileSync(join(folder, name), 'utf8')
      } catch {
        return ''
      }
    })
    .join('')
