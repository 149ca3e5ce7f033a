import { UnsafeModel, type GoldenRows, type ModelSignature } from '@cascata/onnx'
import {
  allMetrics,
  bootstrapImprovement,
  bootstrapMetric,
  confusionByGroup,
  fairness,
  higherIsBetter,
  metricOf,
  permutationImportance,
  seededRandom,
  type Metric,
  type Scored,
} from '@cascata/statistics'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { columnOf, takeRows, wordAt, type Frame } from '../frames/frame.ts'
import { readFrame, type DatasetFrame } from '../frames/read-frame.ts'
import { mean, targetOf, type Target } from '../trainers/target.ts'
import { type ChampionFigures, type Figures, type Measured, type MeasuredModel, type Ranged, type Rows } from './figures.ts'
import { type DatasetFiles, type GateRequest } from './measurement.ts'
import { latencyOf, openModel, replayGolden, type Scorer } from './score.ts'

/** Rows of the sample on which importance is measured. */
const importanceRows = 4_000
/** Row draws of one bootstrap at most: 500 resamples of 40,000 rows. */
const draws = 20_000_000

export const readModel = async (folder: string): Promise<{ path: string; signature: ModelSignature; golden: GoldenRows }> => ({
  path: join(folder, 'model.onnx'),
  signature: JSON.parse(await readFile(join(folder, 'signature.json'), 'utf8')) as ModelSignature,
  golden: JSON.parse(await readFile(join(folder, 'golden.json'), 'utf8')) as GoldenRows,
})

/** Measures a candidate, and the champion beside it, on the holdout. */
export async function measureGate(request: GateRequest): Promise<Figures> {
  const { data } = request
  const frame = await readFrame(data.holdout, data.columns)
  const holdout = rowsOf(data, frame)
  try {
    const { path, signature, golden } = await readModel(request.candidate)
    const scorer = await openModel(path, signature)
    const scored = scoredOf(targetOf(frame, data.label, data.task, scorer.classes ?? undefined), await scorer.score(frame))
    const candidate: Measured = {
      is: 'measured',
      ...(await measureModel(request, scorer, frame, scored)),
      golden: await replayGolden(scorer, golden),
    }
    return {
      holdout,
      candidate,
      champion: request.champion ? await measureChampion(request, request.champion, frame, scored) : null,
    }
  } catch (cause) {
    const code = cause instanceof UnsafeModel ? cause.code : 'NOT_SCORABLE'
    return { holdout, candidate: { is: 'refused', code, message: (cause as Error).message.slice(0, 1_000) }, champion: null }
  }
}

async function measureModel(
  request: GateRequest,
  scorer: Scorer,
  frame: DatasetFrame,
  scored: Scored,
): Promise<Omit<MeasuredModel, 'is' | 'golden'>> {
  const metric = request.metric as Metric
  const options = bootstrapOptions(request, frame.rows)
  const constant = await trivial(request.data, scored)
  return {
    metrics: allMetrics(scored),
    metric: ranged(bootstrapMetric(metric, scored, options())),
    overBaseline: ranged(bootstrapImprovement(metric, scored, constant, options())),
    unusable: unusableIn(scored.scores),
    fairness: fairnessOf(request, frame, scored),
    latencyMs: await latencyOf(scorer, frame),
    bytes: scorer.bytes,
    inputs: scorer.signature.inputs.map(({ name, type }) => ({ name, type })),
    importance: await importanceOf(request, scorer, frame),
  }
}

const bootstrapOptions =
  ({ seed, confidence }: GateRequest, rows: number) =>
  () => ({
    random: seededRandom(seed),
    confidence,
    resamples: Math.max(100, Math.min(500, Math.floor(draws / Math.max(rows, 1)))),
  })

const ranged = ({ value, interval }: { value: number; interval: readonly [number, number] }): Ranged => ({
  value,
  interval: [interval[0], interval[1]],
})

export const unusableIn = (scores: ArrayLike<number>): number => {
  let count = 0
  for (let at = 0; at < scores.length; at++) if (!Number.isFinite(scores[at])) count++
  return count
}

/** Labels beside scores in the form the statistics take: binary as the probability of the positive class. */
export function scoredOf(target: Target, scores: Float64Array): Scored {
  if (target.task === 'regression') return { task: 'regression', labels: target.y, scores }
  if (target.task === 'binary') return { task: 'binary', labels: target.y, scores: scores.filter((_, at) => at % 2 === 1) }
  return { task: 'multiclass', labels: target.y, scores, classes: target.classes.values.length }
}

/** Always the same answer: what the training rows say on average. */
async function trivial({ train, columns, label, task }: DatasetFiles, scored: Scored): Promise<Scored> {
  const labels = await readFrame(
    train,
    columns.filter(({ role }) => role === 'label' || role === 'at'),
  )
  const { y } = targetOf(labels, label, task)
  const n = scored.labels.length
  if (scored.task !== 'multiclass') return { ...scored, scores: new Float64Array(n).fill(mean(y)) }
  const shares = Array.from({ length: scored.classes }, (_, index) => mean(y.map((each) => Number(each === index))))
  return {
    ...scored,
    scores: Float64Array.from({ length: n * scored.classes }, (_, at) => shares[at % scored.classes] as number),
  }
}

function fairnessOf({ fairness: rules }: GateRequest, frame: Frame, scored: Scored): MeasuredModel['fairness'] {
  if (scored.task !== 'binary') return []
  return rules.flatMap(({ by, column, minGroup }) => {
    const groups = groupsIn(frame, column)
    if (!groups) return []
    const counts = confusionByGroup(groups, scored.labels, scored.scores)
    const found = fairness(counts, minGroup)
    const large = Object.entries(found.groups).filter(([, { rows }]) => rows >= minGroup)
    const largest = Object.fromEntries(large.slice(0, 20).map(([group, { truePositive }]) => [group, truePositive]))
    return [{ by, value: found.equalOpportunity, groups: large.length, largest }]
  })
}

function groupsIn(frame: Frame, name: string): string[] | undefined {
  if (!frame.columns.has(name)) return undefined
  const column = columnOf(frame, name)
  return Array.from({ length: frame.rows }, (_, row) =>
    column.kind === 'text' ? wordAt(column, row) : String(column.values[row]),
  )
}

async function importanceOf(
  { seed, metric, data }: GateRequest,
  scorer: Scorer,
  frame: Frame,
): Promise<MeasuredModel['importance']> {
  const every = Math.max(1, Math.ceil(frame.rows / importanceRows))
  const few = takeRows(
    frame,
    Int32Array.from({ length: Math.ceil(frame.rows / every) }, (_, at) => at * every),
  )
  const target = targetOf(few, data.label, data.task, scorer.classes ?? undefined)
  const sign = higherIsBetter(metric as Metric) ? 1 : -1
  const score = async (shuffled?: { feature: string; order: Uint32Array }): Promise<number> => {
    const dealt = shuffled ? withDealt(few, shuffled) : few
    return sign * metricOf(metric as Metric, scoredOf(target, await scorer.score(dealt)))
  }
  const features = scorer.signature.inputs.map(({ name }) => name)
  return permutationImportance(features, few.rows, score, { random: seededRandom(seed), repeats: 2 })
}

function withDealt(frame: Frame, { feature, order }: { feature: string; order: Uint32Array }): Frame {
  const dealt = takeRows({ rows: frame.rows, columns: new Map([[feature, columnOf(frame, feature)]]) }, Int32Array.from(order))
  return { rows: frame.rows, columns: new Map([...frame.columns, ...dealt.columns]) }
}

async function measureChampion(
  request: GateRequest,
  { version, folder, after, extra }: NonNullable<GateRequest['champion']>,
  frame: DatasetFrame,
  candidate: Scored,
): Promise<ChampionFigures> {
  const { data, metric } = request
  const rows = Int32Array.from(frame.at.keys()).filter((row) => (frame.at[row] as number) > after)
  const incomparable = (reason: string): ChampionFigures => ({ version, is: 'incomparable', reason, rows: rows.length })
  if (rows.length === 0) return incomparable('no row of the holdout is later than its cutoff and the embargo')
  try {
    const { path, signature } = await readModel(folder)
    const more = extra ? await readFrame(extra.paths, extra.columns) : undefined
    if (more && more.rows !== frame.rows) return incomparable('its own features could not be had for every row')
    const whole: Frame = { rows: frame.rows, columns: new Map([...(more?.columns ?? []), ...frame.columns]) }
    const missing = signature.inputs.filter(({ name }) => !whole.columns.has(name)).map(({ name }) => name)
    if (missing.length > 0) return incomparable(`it reads ${missing.join(', ')}, which this dataset does not have`)
    const scorer = await openModel(path, signature)
    const target = targetOf(takeRows(whole, rows), data.label, data.task, scorer.classes ?? undefined)
    const theirs = scoredOf(target, await scorer.score(whole, rows))
    const ours = pick(candidate, rows)
    const improvement = ranged(bootstrapImprovement(metric as Metric, ours, theirs, bootstrapOptions(request, rows.length)()))
    const compared = { candidate: metricOf(metric as Metric, ours), champion: metricOf(metric as Metric, theirs), improvement }
    if (!Number.isFinite(improvement.interval[0])) return incomparable(`${metric} is not defined on the rows unseen by both`)
    return { version, is: 'compared', rows: rowsOf(data, frame, rows), ...compared }
  } catch (cause) {
    return incomparable(`it could not be scored: ${(cause as Error).message.slice(0, 300)}`)
  }
}

function pick(scored: Scored, rows: Int32Array): Scored {
  const width = scored.task === 'multiclass' ? scored.classes : 1
  const labels = Float64Array.from(rows, (row) => scored.labels[row] as number)
  const scores = Float64Array.from(
    { length: rows.length * width },
    (_, at) => scored.scores[(rows[Math.floor(at / width)] as number) * width + (at % width)] as number,
  )
  return { ...scored, labels, scores }
}

/** Which rows they are: the dataset's hash and the time they begin at say it all, as parts are cut by time. */
function rowsOf({ hash }: DatasetFiles, frame: DatasetFrame, rows?: Int32Array): Rows {
  const times = rows ? Float64Array.from(rows, (row) => frame.at[row] as number) : frame.at
  const from = times.reduce((a, b) => Math.min(a, b), Infinity)
  const to = times.reduce((a, b) => Math.max(a, b), -Infinity)
  const iso = (time: number): string => new Date(Number.isFinite(time) ? time : 0).toISOString()
  const rowsHash = createHash('sha256')
    .update(`${hash} ${iso(from)} ${iso(to)} ${times.length}`)
    .digest('hex')
  return { rows: times.length, rowsHash, from: iso(from), to: iso(to) }
}
