import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { root } from './paths.ts'

/** `npm run bench [-- name…]`: the benchmarks are in `test/bench`. */
const child = spawn(
  process.execPath,
  ['--disable-warning=ExperimentalWarning', join(root, 'test/bench/run.ts'), ...process.argv.slice(2)],
  { stdio: 'inherit' },
)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
child.on('exit', (code) => process.exit(code ?? 1))
