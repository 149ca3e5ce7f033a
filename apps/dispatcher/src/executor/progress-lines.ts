import { type JobProgress } from './executor.ts'

const longestLine = 64 * 1024
const betweenMs = 250

/** Reads the JSON lines of a job's output: `{"progress":0.4,"metrics":{…}}` and `{"error":{"code","message"}}`; all else is only log. */
export function progressReader(onProgress: (progress: JobProgress) => void) {
  let rest = ''
  let skipping = false
  let said = 0
  let error: { code: string; message: string } | null = null

  const read = (line: string): void => {
    if (!line.startsWith('{')) return
    const parsed = parse(line)
    if (parsed?.error) error = parsed.error
    const now = Date.now()
    if (parsed?.progress && (now - said >= betweenMs || parsed.progress.share >= 1)) {
      said = now
      onProgress(parsed.progress)
    }
  }

  return {
    write(chunk: Buffer): void {
      const lines = (rest + chunk.toString('utf8')).split('\n')
      rest = lines.pop() as string
      for (const [index, line] of lines.entries()) if (!(index === 0 && skipping)) read(line)
      if (lines.length > 0) skipping = false
      if (rest.length > longestLine) {
        rest = ''
        skipping = true
      }
    },
    error: () => error,
  }
}

function parse(line: string): { progress?: JobProgress; error?: { code: string; message: string } } | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  const { progress, metrics, error } = value as {
    progress?: unknown
    metrics?: unknown
    error?: { code?: unknown; message?: unknown }
  }
  if (typeof progress === 'number' && progress >= 0 && progress <= 1)
    return { progress: { share: progress, metrics: numbersOf(metrics) } }
  if (error && typeof error.message === 'string')
    return { error: { code: codeOf(error.code), message: error.message.slice(0, 2_000) } }
  return undefined
}

const numbersOf = (metrics: unknown): Record<string, number> =>
  Object.fromEntries(
    Object.entries((metrics ?? {}) as Record<string, unknown>)
      .filter((each): each is [string, number] => typeof each[1] === 'number' && Number.isFinite(each[1]))
      .slice(0, 100),
  )

const codeOf = (code: unknown): string =>
  typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,60}$/.test(code) ? code : 'TRAINER_FAILED'
