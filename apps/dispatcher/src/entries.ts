import { fileURLToPath } from 'node:url'

/**
 * Path of a further entry point of this app, as source or as built: `gates/measure.worker`, `trainers/gbdt/main`.
 * This file lies at the top of `src`, and is bundled into `main.js` at the top of `dist`.
 */
export const entry = (name: string): string =>
  fileURLToPath(new URL(`./${name}.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url))

/** Arguments of Node for an entry. */
export const nodeFor = (name: string, flags: string[] = []): string[] => [
  process.execPath,
  '--disable-warning=ExperimentalWarning',
  ...flags,
  entry(name),
]
