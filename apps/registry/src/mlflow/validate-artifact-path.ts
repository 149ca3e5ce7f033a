import { refuse } from './wire.ts'

/** A path of an artifact as it means after every round of percent-decoding: what a careless reader further on might make of it. */
const decodings = (path: string): string[] => {
  const found = [path]
  for (let round = 0; round < 10; round += 1) {
    try {
      const next = decodeURIComponent(found.at(-1)!)
      if (next === found.at(-1)) break
      found.push(next)
    } catch {
      break
    }
  }
  return found
}

const illegal = (path: string): boolean =>
  path.startsWith('/') ||
  /^[A-Za-z][A-Za-z0-9+.-]*:/.test(path) ||
  /[\\\u0000-\u001f\u007f]/.test(path) ||
  path.split('/').some((part) => part === '..' || part === '.')

/**
 * The path of an artifact within its root, without a slash at its end; empty for the root itself.
 * It never becomes the name of a file (files are named by their hash), so this only keeps clients from fooling each other.
 * Throws `INVALID_PARAMETER_VALUE` in MLflow's words.
 */
export const checkedPath = (path: string): string => {
  const trimmed = path.replace(/\/+$/, '')
  if (
    trimmed.length > 1_000 ||
    decodings(trimmed).some(illegal) ||
    trimmed.split('/').some((part) => part === '' && trimmed !== '')
  ) {
    return refuse('Invalid path')
  }
  return trimmed
}
