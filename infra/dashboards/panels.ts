import {
  DashboardBuilder,
  DashboardCursorSync,
  QueryVariableBuilder,
  RowBuilder,
  type Dashboard,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries'

/** Units as Grafana names them. */
export type Unit = 'short' | 's' | 'reqps' | 'rowsps' | 'percentunit' | 'bytes' | 'dateTimeAsIso'

export interface Query {
  promql: string
  /** `{{label}}` is replaced by the label's value. */
  legend: string
}

export interface PanelSpec {
  kind: 'graph' | 'number'
  title: string
  /** What it shows and what is normal: for a person on call who sees it for the first time. */
  description: string
  unit: Unit
  queries: Query[]
}

export interface Section {
  title: string
  panels: PanelSpec[]
}

export interface Variable {
  name: string
  label: string
  /** A `label_values(…)` query. */
  values: string
}

export interface DashboardSpec {
  uid: string
  title: string
  description: string
  variables: Variable[]
  sections: Section[]
}

const source = { type: 'prometheus', uid: 'prometheus' }
const columns = 24

export const query = (promql: string, legend = ''): Query => ({ promql, legend })

export const graph = (title: string, description: string, unit: Unit, ...queries: Query[]): PanelSpec => ({
  kind: 'graph',
  title,
  description,
  unit,
  queries,
})

export const number = (title: string, description: string, unit: Unit, promql: string): PanelSpec => ({
  kind: 'number',
  title,
  description,
  unit,
  queries: [query(promql)],
})

const target = ({ promql, legend }: Query, index: number) => {
  const refId = String.fromCharCode('A'.charCodeAt(0) + index)
  return new DataqueryBuilder().datasource(source).refId(refId).expr(promql).legendFormat(legend)
}

const panel = ({ kind, title, description, unit, queries }: PanelSpec) => {
  const graphUnit = unit === 'rowsps' ? 'short' : unit
  const builder =
    kind === 'graph'
      ? new TimeseriesBuilder()
          .fillOpacity(8)
          .height(8)
          .span(columns / 3)
      : new StatBuilder().height(4).span(columns / 6)
  builder.title(title).description(description).datasource(source).unit(graphUnit).noValue('–')
  queries.forEach((one, index) => builder.withTarget(target(one, index)))
  return builder
}

const variable = ({ name, label, values }: Variable) =>
  new QueryVariableBuilder(name).label(label).datasource(source).query(values).refresh(2).sort(1)

/** A dashboard as Grafana's provisioning reads it. */
export const toDashboard = ({ uid, title, description, variables, sections }: DashboardSpec): Dashboard => {
  const dashboard = new DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags(['cascata'])
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: 'now-1h', to: 'now' })
    .refresh('10s')
    .readonly()
  for (const one of variables) dashboard.withVariable(variable(one))
  for (const section of sections) {
    dashboard.withRow(new RowBuilder(section.title))
    for (const one of section.panels) dashboard.withPanel(panel(one))
  }
  return dashboard.build()
}
