import { Command } from 'commander'
import { registerApply } from './commands/apply.ts'
import { registerCompletion } from './commands/completion.ts'
import { registerConfig } from './commands/config.ts'
import { registerDatasets } from './commands/datasets.ts'
import { registerDeadLetters } from './commands/dead-letters.ts'
import { registerFacts } from './commands/facts.ts'
import { registerFeatures } from './commands/features.ts'
import { registerGet } from './commands/get.ts'
import { registerImport } from './commands/import.ts'
import { registerLineage } from './commands/lineage.ts'
import { registerLogs } from './commands/logs.ts'
import { examples, registryOf } from './commands/register.ts'
import { registerRollouts } from './commands/rollouts.ts'
import { registerRuns } from './commands/runs.ts'
import { registerStatus } from './commands/status.ts'
import { registerTokens } from './commands/tokens.ts'
import { registerUpkeep } from './commands/upkeep.ts'
import { registerVersions } from './commands/versions.ts'
import { registerViews } from './commands/views.ts'
import { type Outcome } from './run.ts'
import { type Shell } from './shell.ts'

/** The whole command line. `outcome` is told the exit code of what ran. */
export function programOf(shell: Shell, outcome: Outcome): Command {
  const program = new Command('cascata')
    .description('Event-driven MLOps: new data in, better model out.')
    .option('--json', 'data for scripts instead of text for people')
    .option('--token <token>', 'bearer token (CASCATA_TOKEN)')
    .option('-n, --namespace <name>', 'namespace of names without one (CASCATA_NAMESPACE; default)')
    .exitOverride()
    .showHelpAfterError('(see --help)')
    .configureOutput({
      writeOut: shell.out,
      writeErr: shell.err,
      getOutHelpWidth: () => shell.width ?? 100,
      getErrHelpWidth: () => shell.width ?? 100,
    })
    .addHelpText(
      'after',
      `${examples('apply -f examples/flights', 'status', 'why flight-delay/3', 'tail --model flight-delay', 'get view plans -o yaml')}

Where the platform is: what \`npm run up\` wrote in CASCATA_HOME (default .cascata), or KAFKA_BROKERS, REGISTRY_URL,
FEATURE_STORE_URL, DISPATCHER_URL, DEPLOYER_URL, INFERENCE_URL, MONITOR_URL.
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 plan found changes.`,
    )
  const registry = registryOf(program, shell, outcome)
  program.commandsGroup('Resources:')
  registerApply(registry)
  registerGet(registry)
  registerImport(registry)
  program.commandsGroup('Look:')
  registerStatus(registry)
  registerFacts(registry)
  registerFeatures(registry)
  registerLineage(registry)
  program.commandsGroup('Training:')
  registerRuns(registry)
  registerDatasets(registry)
  registerVersions(registry)
  program.commandsGroup('Serving:')
  registerRollouts(registry)
  program.commandsGroup('Operate:')
  registerViews(registry)
  registerUpkeep(registry)
  registerDeadLetters(registry)
  registerLogs(registry)
  registerConfig(registry)
  registerTokens(registry)
  registerCompletion(registry, shell)
  return program
}
