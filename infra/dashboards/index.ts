import { cascade } from './cascade.ts'
import { model } from './model.ts'
import { toDashboard, type DashboardSpec } from './panels.ts'

export const dashboards: readonly DashboardSpec[] = [cascade, model]

const folder = 'infra/grafana/dashboards'

/** The committed dashboards: paths in the repository and what they should hold. */
export const generateDashboards = (): { path: string; content: string }[] =>
  dashboards.map((spec) => ({
    path: `${folder}/${spec.title.toLowerCase()}.json`,
    content: `${JSON.stringify(toDashboard(spec), null, 2)}\n`,
  }))

/** Every query of a dashboard as Prometheus takes it, with the variables of Grafana filled in. */
export const queriesOf = (
  spec: DashboardSpec,
  { namespace = 'default', model: name = 'flight-delay' } = {},
): { panel: string; promql: string }[] =>
  spec.sections.flatMap(({ panels }) =>
    panels.flatMap(({ title, queries }) =>
      queries.map(({ promql }) => ({
        panel: `${spec.title} › ${title}`,
        promql: promql
          .replaceAll('$__rate_interval', '1m')
          .replaceAll('$__range', '1h')
          .replaceAll('$namespace', namespace)
          .replaceAll('$model', name),
      })),
    ),
  )
