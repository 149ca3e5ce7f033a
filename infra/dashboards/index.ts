import { cascade } from './cascade.ts'
import { features } from './features.ts'
import { model } from './model.ts'
import { toDashboard, type DashboardSpec } from './panels.ts'

export const dashboards: readonly DashboardSpec[] = [cascade, model, features]

const folder = 'infra/grafana/dashboards'

/** The committed dashboards: paths in the repository and what they should hold. */
export const generateDashboards = (): { path: string; content: string }[] =>
  dashboards.map((spec) => ({
    path: `${folder}/${spec.title.toLowerCase()}.json`,
    content: `${JSON.stringify(toDashboard(spec), null, 2)}\n`,
  }))

/** Every query of a dashboard as Prometheus takes it, with the variables of Grafana filled in; beside others of its panel it is named by its legend. */
export const queriesOf = (
  spec: DashboardSpec,
  { namespace = 'default', model: name = 'flight-delay' } = {},
): { panel: string; promql: string }[] =>
  spec.sections.flatMap(({ panels }) =>
    panels.flatMap(({ title, queries }) =>
      queries.map(({ promql, legend }) => ({
        panel: [spec.title, title, ...(queries.length > 1 ? [legend] : [])].join(' › '),
        promql: promql
          .replaceAll('$__rate_interval', '1m')
          .replaceAll('$__range', '1h')
          .replaceAll('$namespace', namespace)
          .replaceAll('$model', name),
      })),
    ),
  )
