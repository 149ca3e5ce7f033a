import Table from 'cli-table3'
import { allMetrics } from '@cascata/statistics'
import { type PlatformFile } from '../platform/files.ts'
import { type Answered, type Caller } from './caller.ts'
import { type Cascades, type Told } from './cascades.ts'

const style = { head: [], border: [] }
const seconds = (from: Told, to: Told) => `${((Date.parse(to.time) - Date.parse(from.time)) / 1000).toFixed(1)} s`

/** One line a cascade: why it began, what it led to, how long it took. */
export function cascadeTable(cascades: Cascades): string {
  const table = new Table({
    head: ['cascade', 'because of', 'run', 'version', 'verdict', 'rollout', 'trained in', 'total'],
    style,
  })
  for (const begun of cascades.of('training.requested')) {
    const run = begun.data['run'] as string
    const trained = cascades.of('training.succeeded', { run })[0]
    const registered = cascades.of('version.registered', { run })[0]
    const version = registered?.data['version'] as string | undefined
    // A candidate that its gates refuse never becomes a version: its run names it.
    const verdict =
      ending(cascades, ['version.approved', 'version.rejected'], version === undefined ? { run } : { version }) ??
      ending(cascades, ['training.failed', 'training.refused', 'dataset.failed'], { run })
    const rollout =
      version === undefined
        ? undefined
        : ending(cascades, ['rollout.completed', 'rollout.rolledback', 'rollout.held'], { version })
    const last = rollout ?? verdict
    table.push([
      begun.cascade.slice(0, 8),
      String(begun.data['trigger']),
      run.slice(0, 12),
      version ?? '-',
      verdictOf(verdict),
      rollout?.name.replace('rollout.', '') ?? '-',
      trained ? seconds(begun, trained) : '-',
      last ? seconds(begun, last) : '-',
    ])
  }
  return table.toString()
}

/** `version.approved` → approved; a run that ended without a model says how. */
function verdictOf(fact: Told | undefined): string {
  if (!fact) return 'under way'
  if (fact.data['code'] === 'DISP_RUN_CANCELLED') return 'cancelled'
  return fact.name.replace('version.', '')
}

const ending = (cascades: Cascades, names: string[], where: Record<string, unknown>): Told | undefined =>
  names
    .flatMap((name) => cascades.of(name, where))
    .toSorted((a, b) => a.time.localeCompare(b.time))
    .at(-1)

/** What was served, against version 1 for ever and against always "on time": from the answers that the caller got. */
export function qualityTable({ answered }: Caller): string {
  const rows = answered.filter(({ first }) => !Number.isNaN(first))
  const labels = rows.map(({ delayed }) => Number(delayed))
  const share = labels.reduce((sum, label) => sum + label, 0) / Math.max(1, labels.length)
  const table = new Table({
    head: [`${rows.length.toLocaleString('en')} answers, ${(share * 100).toFixed(1)} % late`, 'accuracy', 'AUC', 'log loss'],
    style,
    colAligns: ['left', 'right', 'right', 'right'],
  })
  const add = (name: string, score: (row: Answered) => number) => {
    const {
      accuracy = Number.NaN,
      auc = Number.NaN,
      logLoss = Number.NaN,
    } = allMetrics({ task: 'binary', labels, scores: rows.map(score) })
    table.push([name, accuracy.toFixed(4), auc.toFixed(4), logLoss.toFixed(4)])
  }
  add('what was served', ({ probability }) => probability)
  add('version 1 for ever', ({ first }) => first)
  // A constant ranks nobody; its log loss is taken at the share of late flights, which is the best that a constant can do.
  add('always "on time"', () => Math.min(0.499, share))
  return table.toString()
}

/** Where a person goes on. */
export function whereToLook({ apps }: PlatformFile, cascades: Cascades, model: string): string {
  const last = cascades.of('rollout.completed').at(-1)?.data['version'] ?? '1'
  return [
    `  ./cascata why ${model}/${last}                 why that version serves`,
    `  ./cascata status ${model}                what serves, what runs, what is wrong`,
    '  ./cascata trace flight-plans/0/0        what became of a row',
    '  ./cascata runs --model flight-delay     every training and its evidence',
    ...Object.entries(apps).map(([name, { url }]) => `  ${name.padEnd(14)} ${url}`),
  ].join('\n')
}
