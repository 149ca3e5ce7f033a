import { createWriteStream } from 'node:fs'
import { readFile, rename, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { Option } from 'commander'
import { type Context } from '../context.ts'
import { CommandError, wrongUsage } from '../errors.ts'
import { path } from '../http.ts'
import { parseName } from '../names.ts'
import { list } from '../output/table.ts'
import { showCount, showShare, showTime } from '../output/words.ts'
import { examples, type Registry } from './register.ts'

const partNames = ['train', 'validation', 'holdout'] as const

interface Dataset {
  id?: string
  dataset?: string
  state: 'building' | 'built' | 'failed'
  progress?: number | string | null
  hash?: string | null
  rows?: number | null
  cutoff?: string | null
  snapshot?: unknown
  split?: Record<string, { rows: number; from: string | null; to: string | null }> | null
  error?: { code: string; message: string } | null
  code?: string | null
  message?: string | null
}

const fetchDataset = (context: Context, id: string): Promise<Dataset> =>
  context.app('feature-store').get<Dataset>(path`/v1/datasets/${id}`)

function showDataset(context: Context, id: string, dataset: Dataset): string {
  const parts = partNames.flatMap((part) => {
    const found = dataset.split?.[part]
    return found ? [[part, `${showCount(found.rows)} rows, ${showTime(found.from)} – ${showTime(found.to)}`] as const] : []
  })
  const failure = dataset.error ?? (dataset.code ? { code: dataset.code, message: dataset.message ?? '' } : undefined)
  return list(context, [
    ['dataset', id],
    [
      'state',
      `${dataset.state}${dataset.state === 'building' && dataset.progress ? ` (${typeof dataset.progress === 'number' ? showShare(dataset.progress) : dataset.progress})` : ''}`,
    ],
    ['rows', showCount(dataset.rows)],
    ['cutoff', showTime(dataset.cutoff)],
    ['hash', dataset.hash],
    ...parts,
    ...(failure ? [['failed', `${failure.code}: ${failure.message}`] as const] : []),
  ])
}

/** Waits until a dataset is built. @throws CommandError when it fails */
async function built(context: Context, id: string): Promise<Dataset> {
  for (;;) {
    const dataset = await fetchDataset(context, id)
    if (dataset.state === 'built') return dataset
    if (dataset.state === 'failed')
      throw new CommandError(
        dataset.error?.code ?? dataset.code ?? 'CLI_DATASET_FAILED',
        dataset.error?.message ?? dataset.message ?? `the dataset ${id} could not be built`,
      )
    if (context.shell.signal.aborted)
      throw new CommandError('CLI_INTERRUPTED', `interrupted; the dataset ${id} is still being built`)
    await new Promise((done) => setTimeout(done, 500))
  }
}

interface BuildOptions {
  wait: boolean
  spine?: string
  at?: string
  features?: string[]
  label?: string
  within?: string
  missing?: string
  engine?: string
  output?: string
}

/** What is asked for: the training rows of a model, or features for the rows of a file. */
async function request(context: Context, { spine, at, features, label, within, missing, engine }: BuildOptions, model?: string) {
  if (model !== undefined && spine !== undefined) throw wrongUsage('a dataset is that of a model, or of --spine <file>, not both')
  if (model !== undefined) {
    const { namespace, name } = parseName(model, context.namespace)
    return { model: `${namespace}/${name}`, engine }
  }
  if (spine === undefined || !features?.length)
    throw wrongUsage('name a model, or a file with --spine and what is wanted with --features view:field …')
  if ((label === undefined) !== (within === undefined))
    throw wrongUsage('--label and --within belong together', 'for example --label outcomes:delayed --within 36h')
  const bytes = await readFile(resolve(context.shell.cwd, spine)).catch((error: Error) => {
    throw new CommandError('CLI_FILE', `the spine can't be read: ${error.message}`)
  })
  const { sha256 } = await context.app('feature-store').upload<{ sha256: string }>('/v1/spines', bytes, { at })
  const wanted = label === undefined ? {} : { label: { field: label, within, ...(missing === undefined ? {} : { missing }) } }
  return { namespace: context.namespace, features, spine: sha256, engine, ...wanted }
}

async function build(context: Context, options: BuildOptions, model?: string): Promise<void> {
  const { id } = await context.app('feature-store').post<{ id: string }>('/v1/datasets', await request(context, options, model))
  if (!options.wait)
    return context.print({ id, state: 'building' }, () => `dataset ${id} is being built: \`cascata dataset show ${id}\``)
  const dataset = await built(context, id)
  if (options.output !== undefined) return download(context, { output: options.output }, id)
  context.print(dataset, () => showDataset(context, id, dataset))
}

async function show(context: Context, _options: object, id?: string): Promise<void> {
  const dataset = await fetchDataset(context, id!)
  context.print(dataset, () => showDataset(context, id!, dataset))
}

async function download(context: Context, { output, part }: { output?: string; part?: string }, id?: string): Promise<void> {
  const safe = id!.replaceAll(/[^A-Za-z0-9._-]/g, '_')
  const file = resolve(context.shell.cwd, output ?? `${safe}${part ? `-${part}` : ''}.parquet`)
  const unfinished = `${file}.part`
  const body = await context.app('feature-store').download(path`/v1/datasets/${id!}/data`, { part })
  try {
    await pipeline(body, createWriteStream(unfinished), { signal: context.shell.signal })
    await rename(unfinished, file)
  } catch (error) {
    await rm(unfinished, { force: true })
    throw new CommandError('CLI_DOWNLOAD', `the dataset ${id} could not be kept in ${file}: ${(error as Error).message}`)
  }
  context.print({ dataset: id, file }, () => file)
}

export function registerDatasets({ program, action }: Registry): void {
  const dataset = program.command('dataset').description('build, show and download datasets')
  dataset
    .command('build')
    .description('build the dataset of a model as of now without a training, or features as of the rows of a file')
    .argument('[model]', 'name or namespace/name')
    .option('--no-wait', 'do not wait until it is built')
    .option('--spine <file>', 'Parquet or CSV file with the columns of entities and a time')
    .option('--at <column>', 'the column of the time (default: at)')
    .option('--features <feature...>', 'view:field')
    .option('--label <feature>', 'view:field that came afterwards')
    .option('--within <duration>', 'how long after its time a label may come, such as 36h')
    .addOption(new Option('--missing <how>', 'rows without a label').choices(['drop', 'negative']))
    .addOption(
      new Option('--engine <engine>', 'what joins it (default: as the feature store decides)').choices(['duckdb', 'spark']),
    )
    .option('-o, --output <file>', 'keep it in this file once it is built')
    .addHelpText(
      'after',
      examples(
        'dataset build flight-delay',
        'dataset build --spine asked.csv --features plans:carrier plans:distanceKm -o rows.parquet',
      ),
    )
    .action(action(build))
  dataset
    .command('show')
    .description('state, rows, split and hash of a dataset')
    .argument('<id>', 'id of the dataset')
    .addHelpText('after', examples('dataset show d-0198f0b0'))
    .action(action(show))
  dataset
    .command('download')
    .description('keep a dataset as a Parquet file')
    .argument('<id>', 'id of the dataset')
    .option('-o, --output <file>', 'file to write (default: <id>.parquet)')
    .addOption(new Option('--part <part>', 'only this part').choices(partNames))
    .addHelpText('after', examples('dataset download d-0198f0b0 -o flights.parquet'))
    .action(action(download))
}
