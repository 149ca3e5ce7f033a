import { type Dialect } from '../offline/dialects.ts'
import { type DatasetPlan } from './decide-plan.ts'
import { type ViewRows } from './history-sql.ts'
import { datasetSteps, joinSteps, labelSteps, numberedSteps } from './join-sql.ts'
import { observationsStep, seenSteps } from './observations-sql.ts'
import { spineStep, type SpineFile } from './spine-file.ts'
import { type Step } from './steps.ts'

/** The rows that a dataset is about. */
export type Spine =
  | {
      readonly is: 'observations'
      readonly rows: ViewRows
      /** The timestamp field, null: when the row became available. */
      readonly at: string | null
      /** In ms. */
      readonly lead: number
      /** How far back from the cutoff, in ms; null: all. */
      readonly history: number | null
    }
  | { readonly is: 'file'; readonly file: SpineFile }

/** What decides which rows a dataset has, before they are sorted, cut to a number and split. */
export interface JoinInput {
  readonly plan: DatasetPlan
  readonly spine: Spine
  readonly views: ReadonlyMap<string, ViewRows>
  /** Observations up to this `at` are ripe, Unix ms; null: without a label. */
  readonly cutoff: number | null
}

/** Columns of a spine, without `at`. */
export const spineColumns = (spine: Spine): readonly string[] =>
  spine.is === 'file' ? spine.file.columns : spine.rows.view.spec.entity

/** A part of the plan that takes its time. */
export interface Stage {
  readonly name: string
  readonly steps: readonly Step[]
}

/**
 * The plan of a dataset in an engine's SQL, from segments and a spine to the table `dataset`. What every engine is to do is decided here;
 * the dialect says it in its words.
 *
 * @returns `spine` makes the table `spine`, of observations by way of `seen`, which may be counted before the rest is done.
 */
export function datasetStages(input: JoinInput, dialect: Dialect): { spine: Stage; seen: Stage | null; rest: readonly Stage[] } {
  const { plan, spine, views, cutoff } = input
  const rowsOf = (view: string) => views.get(view)!
  return {
    ...spineStages(spine, cutoff, dialect),
    rest: [
      { name: 'numbering', steps: numberedSteps(dialect) },
      ...joinSteps(plan, rowsOf, dialect).map((steps, index) => ({ name: `joining ${plan.joins[index]!.view.name}`, steps })),
      { name: 'labels', steps: plan.label ? labelSteps(plan.label, rowsOf, dialect) : [] },
      { name: 'dataset', steps: datasetSteps(plan, spineColumns(spine), cutoff, dialect) },
    ],
  }
}

function spineStages(spine: Spine, cutoff: number | null, dialect: Dialect): { spine: Stage; seen: Stage | null } {
  if (spine.is === 'file') return { seen: null, spine: { name: 'spine', steps: [spineStep(spine.file, dialect)] } }
  const { rows, at, lead, history } = spine
  const bounds = { from: history === null || cutoff === null ? null : cutoff - history, to: cutoff ?? Number.MIN_SAFE_INTEGER }
  return {
    seen: { name: 'observations', steps: seenSteps(rows, at, lead, dialect) },
    spine: {
      name: 'spine',
      steps: [observationsStep(rows.view.spec.entity, bounds, dialect), { drop: ['seen'] }],
    },
  }
}
