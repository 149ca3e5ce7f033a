import { join } from 'node:path'
import { type Part } from '../upstream/feature-store.ts'

/** Where the files of a run lie. Ids are made here or checked by the database, never paths of a caller. */
export function runFolder(root: string, run: string) {
  const folder = join(root, run)
  return {
    folder,
    part: (part: Part): string => join(folder, 'data', `${part}.parquet`),
    /** Folder of a job: `train-1`, `refit-1`, `check-1`, … */
    job: (name: string): string => join(folder, name),
    output: (name: string): string => join(folder, name, 'output'),
    champion: join(folder, 'champion'),
    evidence: join(folder, 'evidence.json'),
    profile: join(folder, 'profile.json'),
  }
}
