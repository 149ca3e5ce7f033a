import { join } from 'node:path'
import { endRunning, show, type Outcome } from './checks/run-check.ts'
import { runTier, type Tier } from './checks/vitest-tier.ts'
import { root } from './paths.ts'

const bin = (name: string) => join(root, 'node_modules', '.bin', name)

/** A program that counts as one check. */
const one = (file: string, args: string[], env?: NodeJS.ProcessEnv) => async () => {
  const code = await show(file, args, env)
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }
}

const lint = async () => {
  const quiet = { NX_DAEMON: 'false', NX_TUI: 'false' }
  await show('sh', ['-c', `${bin('nx')} show projects > /dev/null`], quiet)
  // In two halves: the types of all at once are more than Node's usual heap.
  const halves = [['apps'], ['.', '--ignore-pattern', 'apps/**']]
  for (const half of halves) {
    if ((await show(bin('eslint'), [...half, '--max-warnings', '0'], quiet)) !== 0) return { passed: 0, failed: 1 }
  }
  return { passed: 1, failed: 0 }
}

const tier = (name: Tier) => () => runTier(name)

/** Everything that `npm test` does, in order; words after `--` choose among them. */
const checks: Record<string, () => Promise<{ passed: number; failed: number }>> = {
  format: one(bin('prettier'), ['--check', '--log-level', 'warn', '.']),
  types: one(process.execPath, [join('node_modules', 'typescript7', 'bin', 'tsc'), '--noEmit', '-p', 'test/tsconfig.json']),
  lint,
  generated: one(process.execPath, ['infra/generate.ts', '--check']),
  unit: tier('unit'),
  int: tier('int'),
  e2e: tier('e2e'),
}

const run = async (name: string): Promise<Outcome> => {
  process.stdout.write(`\n── ${name} ${'─'.repeat(60 - name.length)}\n`)
  const began = performance.now()
  const counted = await checks[name]!()
  return { name, ...counted, seconds: (performance.now() - began) / 1000 }
}

const summary = (outcomes: Outcome[]) => {
  const line = ({ name, passed, failed, seconds }: Outcome) =>
    `${failed === 0 ? 'ok    ' : 'FAILED'}  ${name.padEnd(10)} ${String(passed).padStart(5)} passed  ${String(failed).padStart(3)} failed  ${seconds.toFixed(1).padStart(6)} s`
  process.stdout.write(`\n── all ${'─'.repeat(57)}\n${outcomes.map(line).join('\n')}\n`)
}

const help = `npm test [-- check…]

Runs ${Object.keys(checks).join(', ')}, or the checks that are named, and counts what passed and failed in the last line.
Kafka, Postgres and Redis are started for it on free ports, and stopped; what is missing is installed.

  --help   this text
`

const main = async () => {
  const asked = process.argv.slice(2)
  if (asked.includes('--help') || asked.includes('-h')) {
    process.stdout.write(help)
    return 0
  }
  const unknown = asked.filter((name) => !Object.hasOwn(checks, name))
  if (unknown.length > 0) {
    process.stderr.write(`There is no check ${unknown.join(', ')}; checks are ${Object.keys(checks).join(', ')}.\n`)
    return 2
  }
  let interrupted = false
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      endRunning(interrupted ? 'SIGKILL' : 'SIGINT')
      interrupted = true
    })
  }
  const outcomes: Outcome[] = []
  for (const name of asked.length > 0 ? asked : Object.keys(checks)) {
    if (!interrupted) outcomes.push(await run(name))
  }
  summary(outcomes)
  const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0)
  const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, 0)
  process.stdout.write(`${interrupted ? 'Interrupted.\n' : ''}${passed} passed, ${failed} failed\n`)
  return interrupted ? 130 : failed === 0 ? 0 : 1
}

process.exitCode = await main()
