import { homeOf } from './paths.ts'
import { supervise } from './supervisor/supervise.ts'

/** The process that keeps a platform alive: `node infra/supervisor.ts`, with `CASCATA_HOME`. Started by `up`. */
await supervise(homeOf(process.env))
