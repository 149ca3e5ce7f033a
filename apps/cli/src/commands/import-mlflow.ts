import { type Command } from 'commander'
import { type Context } from '../context.ts'
import { exitCodes, type ExitCode, wrongUsage } from '../errors.ts'
import { examples, type Registry } from './register.ts'

interface Options {
  token?: string
  rate: string
  maxFile: string
}

const rateOf = (text: string): number => {
  if (/^\d{1,5}$/.test(text) && Number(text) > 0) return Number(text)
  throw wrongUsage(`${text} is no number of requests`, 'write --rate 20')
}

const units = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 }

const bytesOf = (text: string): number => {
  const match = /^(\d{1,12})([kmgt]?)(?:i?b)?$/i.exec(text)
  if (!match) throw wrongUsage(`${text} is no size`, 'write --max-file 500m')
  return Number(match[1]) * units[match[2]!.toLowerCase() as keyof typeof units]
}

async function importFromMlflow(context: Context, { token, rate, maxFile }: Options, uri?: string): Promise<ExitCode> {
  // Only this command needs what reads answers of a foreign server.
  const { importMlflow } = await import('../imports/mlflow/import-mlflow.ts')
  const { hasRefused, showReport } = await import('../imports/mlflow/report.ts')
  const limits = { rate: rateOf(rate), largestFile: bytesOf(maxFile) }
  const report = await importMlflow(context, uri!, { token: token || context.shell.env['CASCATA_TOKEN'], ...limits })
  context.print(report, () => showReport(context, report))
  return hasRefused(report) ? exitCodes.failed : exitCodes.done
}

/** `cascata import mlflow`, under `import`: a view called `mlflow` is `default/mlflow` there. */
export function registerImportMlflow(parent: Command, action: Registry['action']): void {
  parent
    .command('mlflow')
    .description('copy experiments, runs, artifacts and models of an MLflow server; again, it adds only what is new')
    .argument(
      '<uri>',
      'tracking URI: http://old-server:5000; logins as for MLflow, by MLFLOW_TRACKING_USERNAME, …_PASSWORD, …_TOKEN',
    )
    .option('--rate <requests>', 'requests a second to that server, at most', '200')
    .option('--max-file <size>', 'larger artifacts stay behind: 500m, 10g', '10g')
    .addHelpText(
      'after',
      examples('import mlflow http://old-server:5000', 'import mlflow https://mlflow.example --rate 20 --json'),
    )
    .action(action(importFromMlflow))
}
