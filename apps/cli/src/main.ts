import { run } from './run.ts'
import { shellOf } from './shell.ts'

process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
process.exit(await run(process.argv.slice(2), shellOf(process)))
