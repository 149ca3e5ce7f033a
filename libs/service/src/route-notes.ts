import { type ErrorFactory } from './errors.ts'

/** What people are told of a route, besides what the code says by itself (path, permission, bodies that Nest validates). */
export interface RouteNote {
  /** What it does, in a line. */
  readonly does: string
  /** Of a body that no schema of Nest describes: its content type, and what is in it. */
  readonly body?: readonly [type: string, what: string]
  /** Parameters of the query that no decorator names. */
  readonly query?: readonly string[]
  /** The app's own errors that it is likely to answer. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- of whatever details
  readonly errors?: readonly ErrorFactory<any>[]
}

/** By method and path: `'POST /v1/orders/:id'`. */
export type RouteNotes = Readonly<Record<string, RouteNote>>

const inQuery = (name: string) => ({ name, in: 'query', required: false, schema: { type: 'string' } })

/** The parts of an operation of OpenAPI that come from a note; `errorAnswer` is the answer that errors have. */
export function operationOf({ does, body, query = [], errors = [] }: RouteNote, errorAnswer: object) {
  const byStatus = Object.entries(Object.groupBy(errors, ({ definition }) => definition.status))
  const codes = (of: RouteNote['errors'] = []) => of.map(({ code }) => code).join(', ')
  return {
    summary: does,
    parameters: query.map(inQuery),
    responses: Object.fromEntries(byStatus.map(([status, of]) => [status, { ...errorAnswer, description: codes(of) }])),
    ...(body && { requestBody: { description: body[1], content: { [body[0]]: { schema: {} } } } }),
  }
}
