import { type Model, servedFields, type Views, viewOf } from '@cascata/resources'
import { type Column } from '../models/signature.ts'

export type Scalar = string | number | boolean | null

/** Where a column of a version comes from. */
export type Source =
  | { is: 'feature'; column: string; type: string; view: string; field: string; reference: string }
  | { is: 'request'; column: string; type: string }

/** A model's resource and the views of its namespace, as of now. */
export interface Spec {
  model: Model
  views: Views
}

/** The sources of a version's columns: `view__field` where such a view serves such a field, else a value that comes with the call. */
export function sourcesOf(columns: readonly Column[], { model, views }: Spec): Source[] {
  return columns.map(({ name, type }) => {
    for (let at = name.indexOf('__'); at > 0; at = name.indexOf('__', at + 1)) {
      const [view, field] = [name.slice(0, at), name.slice(at + 2)]
      const served = viewOf(model, view, views)
      if (served && (servedFields(served).has(field) || field in served.spec.fields))
        return { is: 'feature', column: name, type, view, field, reference: `${view}:${field}` }
    }
    return { is: 'request', column: name, type: model.spec.request[name]?.type ?? type }
  })
}
