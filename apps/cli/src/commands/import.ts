import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Context } from '../context.ts'
import { exitCodes, type ExitCode, wrongUsage } from '../errors.ts'
import { filesOf } from '../imports/sources.ts'
import { announce, followed, hashed, type ImportShown, sendFiles } from '../imports/send-files.ts'
import { parseName } from '../names.ts'
import { progressOf } from '../output/progress.ts'
import { list } from '../output/table.ts'
import { showCount } from '../output/words.ts'
import { registerImportMlflow } from './import-mlflow.ts'
import { examples, type Registry } from './register.ts'

const shownRejects = 20

function showImport(context: Context, { id, state, accepted, rejected, files, error, rejects }: ImportShown): string {
  const repeated = files.filter((file) => file.state === 'repeated').length
  const table = list(context, [
    ['import', id],
    ['state', state],
    ['files', `${files.length}${repeated > 0 ? `, of which ${repeated} were imported before` : ''}`],
    ['rows', showCount(accepted)],
    ['rejected', showCount(rejected)],
    ...(error ? [['failed', `${error.code}: ${error.message}`] as const] : []),
  ])
  const lines = rejects
    .slice(0, shownRejects)
    .map(({ file, row, code, field, message }) => `${file}:${row} ${[code, field, message].filter(Boolean).join(', ')}`)
  const more = rejected > lines.length && lines.length > 0 ? [`… and ${showCount(rejected - lines.length)} more`] : []
  return [table, ...(lines.length > 0 ? ['', ...lines, ...more] : [])].join('\n')
}

const limitOf = (text: string): number | null => {
  if (text === 'all') return null
  if (!/^\d{1,15}$/.test(text)) throw wrongUsage(`${text} is no number of rows`, 'write --max-rejects 100, or all')
  return Number(text)
}

async function importFiles(
  context: Context,
  { maxRejects, wait }: { maxRejects: string; wait: boolean },
  view: string | undefined,
  sources: readonly string[],
): Promise<ExitCode> {
  const name = parseName(view!, context.namespace)
  const limit = limitOf(maxRejects)
  const { signal, cwd } = context.shell
  const api = context.app('feature-store')
  const progress = progressOf(context)
  const folder = await mkdtemp(join(tmpdir(), 'cascata-import-'))
  try {
    const files = await hashed(await filesOf(sources, cwd, folder, signal), progress, signal)
    const begun = await announce(api, name, files, limit)
    await sendFiles(api, begun, files, progress, signal)
    const ended = wait ? await followed(api, begun.id, progress, signal) : begun
    progress.end()
    context.print(ended, () => showImport(context, ended))
    return ended.state === 'failed' ? exitCodes.failed : exitCodes.done
  } finally {
    progress.end()
    await rm(folder, { recursive: true, force: true })
  }
}

export function registerImport({ program, action }: Registry): void {
  const command = program
    .command('import')
    .description('import files of rows into a view; again, it adds nothing and goes on where it stopped')
    .argument('<view>', 'name or namespace/name')
    .argument('<files...>', 'paths, globs or s3://bucket/key of .parquet, .csv or .ndjson: one import, all or nothing')
    .option('--max-rejects <rows>', 'rows that may be refused, or all', '0')
    .option('--no-wait', 'do not wait until it is done')
    .addHelpText(
      'after',
      examples('import flights history/2001-*.parquet', 'import flights s3://history/flights/2001.parquet --max-rejects 100'),
    )
    .action(
      action((context, options: { maxRejects: string; wait: boolean }, view, ...files) =>
        importFiles(context, options, view, files.flat() as string[]),
      ),
    )
  registerImportMlflow(command, action)
}
