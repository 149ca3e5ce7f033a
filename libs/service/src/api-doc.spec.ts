import { expect, it } from 'vitest'
import { generateApiDoc } from './api-doc.ts'
import { defineError } from './errors.ts'
import { operationOf } from './route-notes.ts'

const notFound = defineError({ code: 'X_NOT_FOUND', status: 404, retry: false, message: 'No.', hint: 'Look.' })
const operation = (note: Parameters<typeof operationOf>[0], more: object = {}) => ({
  ...operationOf(note, {}),
  'x-permission': 'viewer',
  ...more,
})
const documentOf = (operations: Record<string, Record<string, unknown>>) => ({ shop: { paths: operations as never } })

it('has a row a route: query, body, role and errors', () => {
  const described = { content: { 'application/json': { schema: { properties: { a: {}, b: {} }, required: ['a'] } } } }
  const page = generateApiDoc(
    '# API\n',
    documentOf({
      '/healthz': { get: operation({ does: 'Whether.' }) },
      '/v1/orders/{id}': {
        put: operation({ does: 'Keeps a|b.', query: ['at'], body: ['text/csv', 'rows'], errors: [notFound] }),
        post: operation({ does: 'Asks.' }, { requestBody: described }),
      },
    }),
  )
  expect(page).toMatch(/^# API\n\n## shop\n/)
  expect(page).not.toContain('healthz')
  expect(page.split('\n').slice(-3, -1)).toEqual([
    '| `PUT /v1/orders/{id}` ?`at` | Keeps a\\|b. | `text/csv`: rows | viewer | 404 `X_NOT_FOUND` |',
    '| `POST /v1/orders/{id}` | Asks. | `a`, `b?` | viewer |  |',
  ])
})

it('is refused while nobody says what a route does', () => {
  expect(() => generateApiDoc('', documentOf({ '/v1/x': { get: operation({ does: '' }) } }))).toThrow('GET /v1/x')
})
