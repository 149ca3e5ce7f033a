import { keeps, type ModelSpec } from '@cascata/resources'
import { type ChampionFigures, type Figures, type Gate, type MeasuredModel } from './figures.ts'

/** What a candidate has to show. */
export interface GatePolicy {
  gates: ModelSpec['gates']
  /** Inputs that the spec's features are, in order. */
  inputs: readonly { name: string; type: string }[]
  /** The rollout has steps: an inconclusive candidate can be tried on few. */
  hasSteps: boolean
  /** Bytes of a model file at most. */
  maxBytes: number
}

export type Comparison = 'passed' | 'failed' | 'inconclusive' | 'first' | 'skipped'

export interface GateVerdict {
  verdict: 'approved' | 'rejected'
  comparison: Comparison
  gates: Gate[]
  /** The first gate that failed, in words; null when approved. */
  why: string | null
}

/**
 * Whether a candidate may be rolled out: every gate, by the platform's own figures. All gates are decided, so that the evidence is whole.
 *
 * Policies: docs/concepts/gates.md.
 */
export function decideGates(figures: Figures, policy: GatePolicy): GateVerdict {
  const { candidate } = figures
  if (candidate.is === 'refused') {
    const gate = gateOf(figures, {
      gate: 'model file',
      passed: false,
      value: candidate.code,
      bound: 'ONNX, safe to load',
      note: candidate.message,
    })
    return { verdict: 'rejected', comparison: 'skipped', gates: [gate], why: candidate.message }
  }
  const { comparison, gate } = against(figures, policy)
  const gates = [
    ...soundness(figures, candidate, policy),
    ...floors(figures, candidate, policy),
    baseline(figures, candidate, policy),
    ...fairness(figures, candidate, policy),
    latency(figures, candidate, policy),
    ...gate,
  ]
  const failed = gates.find(({ passed }) => !passed)
  return { verdict: failed ? 'rejected' : 'approved', comparison, gates, why: failed ? inWords(failed) : null }
}

/** JSON turns what is no number into null, which compares like 0: only numbers keep a bound. */
export const atMost = (value: number, bound: number): boolean => Number.isFinite(value) && value <= bound

const gateOf = ({ holdout }: Figures, gate: Omit<Gate, 'rows' | 'rowsHash'>): Gate => ({
  ...gate,
  rows: holdout.rows,
  rowsHash: holdout.rowsHash,
})

function soundness(figures: Figures, { unusable, bytes, golden, inputs }: MeasuredModel, policy: GatePolicy): Gate[] {
  const wanted = schemaOf(policy.inputs)
  const found = schemaOf(inputs)
  return [
    gateOf(figures, { gate: 'inputs', passed: wanted === found, value: found, bound: wanted }),
    gateOf(figures, { gate: 'finite answers', passed: unusable === 0, value: unusable, bound: 0 }),
    gateOf(figures, {
      gate: 'golden rows',
      passed: atMost(golden.worst, golden.tolerance),
      value: golden.worst,
      bound: golden.tolerance,
      note: `${golden.rows} rows`,
    }),
    gateOf(figures, { gate: 'size', passed: bytes <= policy.maxBytes, value: bytes, bound: policy.maxBytes }),
  ]
}

/** Order does not matter to a caller who names the inputs. */
const schemaOf = (inputs: readonly { name: string; type: string }[]): string =>
  inputs
    .map(({ name, type }) => `${name}:${type}`)
    .sort()
    .join(' ')

function floors(figures: Figures, { metrics }: MeasuredModel, { gates }: GatePolicy): Gate[] {
  return Object.entries(gates.require).map(([metric, bound]) => {
    const value = metrics[metric]
    return gateOf(figures, {
      gate: `floor ${metric}`,
      passed: typeof value === 'number' && keeps(bound, value),
      value: value ?? null,
      bound: `${bound.op} ${bound.value}`,
    })
  })
}

function baseline(figures: Figures, { overBaseline }: MeasuredModel, { gates }: GatePolicy): Gate {
  const { value, interval } = overBaseline
  return gateOf(figures, {
    gate: 'baseline',
    passed: interval[0] > 0,
    value,
    interval,
    bound: 0,
    note: `improvement of ${gates.metric} over always the same answer`,
  })
}

function fairness(figures: Figures, { fairness }: MeasuredModel, { gates }: GatePolicy): Gate[] {
  return gates.fairness.map(({ by, equalOpportunity, minGroup }) => {
    const found = fairness.find((each) => each.by === by)
    const bound = `${equalOpportunity.op} ${equalOpportunity.value}`
    const gate = `fairness ${by}`
    if (!found) return gateOf(figures, { gate, passed: false, value: null, bound, note: 'the dataset does not tell the groups' })
    const passed = keeps(equalOpportunity, found.value)
    return gateOf(figures, {
      gate,
      passed,
      value: found.value,
      bound,
      note: `equal opportunity between ${found.groups} groups of ${minGroup} rows or more`,
    })
  })
}

const latency = (figures: Figures, { latencyMs }: MeasuredModel, { gates }: GatePolicy): Gate =>
  gateOf(figures, {
    gate: 'latency p99',
    passed: atMost(latencyMs.p99, gates.latencyP99),
    value: latencyMs.p99,
    bound: gates.latencyP99,
    note: 'ms, one row on this machine',
  })

/** The comparison with what serves; non-inferior when the interval's lower bound is above −margin. */
function against(figures: Figures, policy: GatePolicy): { comparison: Comparison; gate: Gate[] } {
  const rules = policy.gates.champion
  const { champion, holdout } = figures
  if (!rules) return { comparison: 'skipped', gate: [] }
  if (!champion) return { comparison: 'first', gate: [] }
  const enough = Math.min(rules.minRows, Math.ceil(holdout.rows / 2))
  const bound = `> ${-rules.margin}`
  const rows = champion.is === 'compared' ? champion.rows : { rows: champion.rows, rowsHash: holdout.rowsHash }
  const named = { gate: `champion ${champion.version}`, bound, rows: rows.rows, rowsHash: rows.rowsHash }
  if (champion.is === 'incomparable' || champion.rows.rows < enough) {
    const note = inconclusive(champion, enough)
    const passed = policy.hasSteps
    return {
      comparison: 'inconclusive',
      gate: [{ ...named, passed, value: null, note: passed ? note : `${note}; there are no steps to try it in` }],
    }
  }
  const { value, interval } = champion.improvement
  const passed = Number.isFinite(interval[0]) && interval[0] > -rules.margin
  return {
    comparison: passed ? 'passed' : 'failed',
    gate: [{ ...named, passed, value, interval, note: `improvement of ${policy.gates.metric}` }],
  }
}

const inconclusive = (champion: ChampionFigures, enough: number): string =>
  champion.is === 'incomparable'
    ? `inconclusive: ${champion.reason}`
    : `inconclusive: ${champion.rows.rows} rows are unseen by both, ${enough} are needed`

function inWords({ gate, value, bound, interval, note }: Gate): string {
  const shown = (figure: number): string => (Number.isFinite(figure) ? String(Number(figure.toPrecision(4))) : 'not defined')
  const figure = typeof value === 'number' ? shown(value) : value
  const range = interval ? ` [${interval.map(shown).join(', ')}]` : ''
  return `${gate}: ${figure}${range} against ${bound}${note ? ` (${note})` : ''}`
}
