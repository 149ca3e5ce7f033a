import { readFrame, type DatasetFrame } from '../frames/read-frame.ts'
import { takeRows } from '../frames/frame.ts'
import { type JobFile } from './job.ts'
import { type Fitted, type FitTask, type Learner } from './learner.ts'
import { modelFiles, writeFiles } from './outputs.ts'
import { levelledLosses, lossesOf, mean, targetOf, type Target } from './target.ts'
import { candidateWindows, chooseWindow, rowsWithin, sameWindow, type Window } from './windows.ts'

/** A line of a trainer's standard output. */
export type ProgressLine = { progress: number; metrics: Record<string, number> }

interface Tried {
  window: Window
  losses: Float64Array
}

/** Runs a job: reads the dataset, tries the windows of history, writes the model's files. The same job gives the same bytes. */
export async function train(learner: Learner, job: JobFile, report: (line: ProgressLine) => void): Promise<void> {
  const columns = job.columns.filter(({ role }) => role !== 'key')
  const frame = await readFrame(job.dataset.train, columns)
  const target = targetOf(frame, job.label, job.task)
  const later = await readFrame(job.dataset.validation, columns)
  const validation = {
    frame: later,
    target: targetOf(later, job.label, job.task, target.task === 'regression' ? undefined : target.classes),
  }
  const base = { features: columns.filter(({ role }) => role === 'feature'), seed: job.seed }

  const windows = job.refit ? [sameWindow(frame.at, windowOf(job.refit.fitted))] : windowsFor(job, frame, later)
  const trials = windows.length > 1 ? windows : []
  const steps = trials.length + 1
  const fit = (window: Window, step: number, params: Record<string, unknown>): Fitted => {
    const progress: FitTask['progress'] = (share, metrics) =>
      report({ progress: Math.min(0.99, (step + share) / steps), metrics })
    const recorded = job.refit ? { recorded: job.refit.fitted } : {}
    return learner.fit({ ...base, ...partOf(frame, target, window), params, validation, progress, ...recorded })
  }
  const tried = trials.map((window, step): Tried => {
    const fitted = fit(window, step, learner.trial(job.params))
    return { window, losses: levelledLosses(fitted.raw(later), validation.target) }
  })
  const chosen = tried.length > 0 ? chooseWindow(tried.map(({ losses }) => losses)) : 0
  const window = windows[chosen] as Window
  const fitted = fit(window, trials.length, job.params)
  const shown = later.rows > 0 ? { frame: later, target: validation.target } : { frame, target }
  const loss = mean(lossesOf(fitted.raw(shown.frame), shown.target))
  const files = modelFiles(fitted, base.features, target, shown.frame, `${learner.name} 1`)
  const lossName = job.task === 'regression' ? 'mse' : 'logLoss'
  report({ progress: 1, metrics: { [lossName]: loss } })
  await writeFiles(job.output, files, {
    metrics: { [lossName]: loss, rows: window.rows },
    measuredOn: later.rows > 0 ? 'validation' : 'training',
    fitted: { ...fitted.recorded, windowMs: window.ms },
    importance: fitted.importance,
    history: tried.map((each) => ({ ...describe(each.window), loss: mean(each.losses), chosen: each.window === window })),
  })
}

const windowOf = ({ windowMs }: Record<string, unknown>): number | null => (typeof windowMs === 'number' ? windowMs : null)

const windowsFor = (job: JobFile, frame: DatasetFrame, later: DatasetFrame): Window[] =>
  job.rows.history === 'auto' && later.rows > 0 ? candidateWindows(frame.at) : [sameWindow(frame.at, null)]

function partOf(frame: DatasetFrame, target: Target, window: Window): { frame: DatasetFrame; target: Target } {
  if (window.ms === null) return { frame, target }
  const rows = rowsWithin(frame.at, window)
  return {
    frame: { ...takeRows(frame, rows), at: Float64Array.from(rows, (row) => frame.at[row] as number) },
    target: { ...target, y: Float64Array.from(rows, (row) => target.y[row] as number) },
  }
}

const describe = ({ ms, from, rows }: Window) => ({ windowMs: ms, from: new Date(from).toISOString(), rows })
