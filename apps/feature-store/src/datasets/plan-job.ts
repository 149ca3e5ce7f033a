import { resourceApplied } from '@cascata/events'
import { type Database, latest } from '@cascata/messaging'
import { type ModelSpec, parseReference, referencedViews } from '@cascata/resources'
import { datasetInvalid, modelNotFound, spineNotFound } from '../errors.ts'
import { listViews, type StoredView } from '../feature-views/views.store.ts'
import { type DatasetPlan, decidePlan, type Planned, requestOfModel } from './decide-plan.ts'
import { type SplitShares } from './decide-split.ts'
import { type DatasetJob } from './datasets.store.ts'
import { findModel } from './models.store.ts'
import { findSpine } from './spines.store.ts'

/** What a job comes to: which views it joins, and how. */
export interface JobPlan {
  readonly plan: DatasetPlan
  readonly views: ReadonlyMap<string, StoredView>
  readonly spine:
    | {
        readonly is: 'observations'
        readonly view: string
        readonly at: string | null
        readonly lead: number
        readonly history: number | null
      }
    | { readonly is: 'file'; readonly spine: string; readonly columns: readonly string[] }
  readonly max: number | null
  readonly split: { readonly shares: SplitShares; readonly embargo: number } | null
}

/** The model's revision that a run rests on has not come here yet; it will. */
export class NotYetApplied extends Error {
  override readonly name = 'NotYetApplied'
}

/** Plans a job. Throws a coded error when it can't be built as asked. */
export async function planJob(
  db: Database,
  job: Pick<DatasetJob, 'namespace' | 'model' | 'revision' | 'request'>,
): Promise<JobPlan> {
  const stored = (await listViews(db)).filter(({ view }) => view.namespace === job.namespace)
  const views = new Map(stored.map((each) => [each.view.name, each]))
  return job.request.is === 'model' ? planModel(db, job, views) : planSpine(db, job.request, views)
}

const used = (plan: DatasetPlan, views: ReadonlyMap<string, StoredView>, more: readonly string[]) => {
  const names = new Set([...plan.joins.map(({ view }) => view.name), ...(plan.label ? [plan.label.view.name] : []), ...more])
  return new Map([...names].map((name) => [name, views.get(name)!]))
}

const planned = (result: Planned): DatasetPlan => {
  if ('problem' in result) throw datasetInvalid({ problem: result.problem })
  return result
}

const viewsOf = (views: ReadonlyMap<string, StoredView>) => new Map([...views].map(([name, { view }]) => [name, view]))

/** The spec that a run rests on; without a run the newest. */
async function specOf(db: Database, namespace: string, model: string, revision: number | null): Promise<ModelSpec> {
  if (revision === null) {
    const applied = await latest(db, resourceApplied, `Model/${namespace}/${model}`)
    if (!applied) throw modelNotFound({ model: `${namespace}/${model}` })
    return applied.data.spec as unknown as ModelSpec
  }
  const spec = await findModel(db, namespace, model, revision)
  if (!spec) throw new NotYetApplied(`Revision ${revision} of ${namespace}/${model} is not here yet.`)
  return spec
}

async function planModel(
  db: Database,
  { namespace, model, revision }: Pick<DatasetJob, 'namespace' | 'model' | 'revision'>,
  views: ReadonlyMap<string, StoredView>,
): Promise<JobPlan> {
  const spec = await specOf(db, namespace, model!, revision)
  const missing = referencedViews({ spec } as Parameters<typeof referencedViews>[0]).find((name) => !views.has(name))
  if (missing)
    throw revision === null
      ? datasetInvalid({ problem: `there is no view ${missing}` })
      : new NotYetApplied(`View ${missing} is not here yet.`)
  const { view, at, lead } = spec.observations
  const plan = planned(decidePlan(requestOfModel(spec, views.get(view)!.view), viewsOf(views)))
  const { rows, split } = spec.train
  return {
    plan,
    views: used(plan, views, [view]),
    spine: { is: 'observations', view, at, lead, history: typeof rows.history === 'number' ? rows.history : null },
    max: rows.max,
    split: { shares: split, embargo: Math.max(spec.label.within, ...plan.joins.map(({ view }) => view.windows?.longest ?? 0)) },
  }
}

async function planSpine(
  db: Database,
  request: Extract<DatasetJob['request'], { is: 'spine' }>,
  views: ReadonlyMap<string, StoredView>,
): Promise<JobPlan> {
  const spine = await findSpine(db, request.spine)
  if (!spine) throw spineNotFound({ spine: request.spine })
  const named = request.features.map((feature) => parseReference(feature).view)
  const plan = planned(
    decidePlan(
      {
        features: request.features,
        request: {},
        label: request.label && { ...request.label, missing: request.label.missing === 'drop' ? 'keep' : 'negative' },
        spine: spine.columns,
        chain: [...new Set([...named, ...[...views.keys()].sort()])].filter((name) =>
          views.get(name)?.view.spec.entity.every((field) => spine.columns.includes(field)),
        ),
      },
      viewsOf(views),
    ),
  )
  return {
    plan,
    views: used(plan, views, []),
    spine: { is: 'file', spine: request.spine, columns: spine.columns },
    max: null,
    split: null,
  }
}
