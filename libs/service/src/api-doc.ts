interface Schema {
  readonly type?: string
  readonly properties?: Readonly<Record<string, unknown>>
  readonly required?: readonly string[]
  readonly $ref?: string
}

interface Operation {
  readonly summary: string
  readonly parameters: readonly { readonly name: string; readonly in: string }[]
  readonly requestBody?: { readonly description?: string; readonly content: Readonly<Record<string, { schema: Schema }>> }
  readonly responses: Readonly<Record<string, { readonly description: string }>>
  readonly 'x-permission': string
}

/** An app's OpenAPI document, as far as the page needs it. */
export interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> }
}

/** Routes that every app has: told once. */
const everywhere = new Set(['/healthz', '/readyz', '/metrics', '/openapi.json'])

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

/** Fields of a body, those that may be left out with a question mark; or what the app says of it. */
function bodyOf({ requestBody }: Operation, { components }: ApiDocument): string {
  if (!requestBody) return ''
  const [[type, { schema }]] = Object.entries(requestBody.content) as [[string, { schema: Schema }]]
  if (requestBody.description) return `${type === 'application/json' ? '' : `\`${type}\`: `}${requestBody.description}`
  const resolved = schema.$ref ? components?.schemas?.[schema.$ref.split('/').at(-1)!] : schema
  const required = new Set(resolved?.required)
  return Object.keys(resolved?.properties ?? {})
    .map((name) => `\`${name}${required.has(name) ? '' : '?'}\``)
    .join(', ')
}

const row = (path: string, method: string, operation: Operation, document: ApiDocument): string => {
  const { summary, parameters, responses, 'x-permission': who } = operation
  if (summary === '')
    throw new Error(`Nobody says what ${method.toUpperCase()} ${path} does: a line in the app's api.ts is missing`)
  const query = parameters.filter((each) => each.in === 'query').map(({ name }) => name)
  const errors = Object.entries(responses).flatMap(([status, { description }]) =>
    Number(status) >= 400 ? description.split(', ').map((code) => `${status} \`${code}\``) : [],
  )
  const asked = `\`${method.toUpperCase()} ${path}\`${query.length > 0 ? ` ?${query.map((name) => `\`${name}\``).join(' ')}` : ''}`
  return `| ${[asked, summary, bodyOf(operation, document), who, errors.join(', ')].map(cell).join(' | ')} |`
}

/**
 * `docs/api.md`: a table an app, in the order in which the app has its routes.
 *
 * @param head Markdown before the tables.
 * @throws Error when nobody says what a route does.
 */
export const generateApiDoc = (head: string, documents: Readonly<Record<string, ApiDocument>>): string => {
  const table = ([app, document]: [string, ApiDocument]) => [
    '',
    `## ${app}`,
    '',
    '| route | what it does | body | role | errors |',
    '|---|---|---|---|---|',
    ...Object.entries(document.paths)
      .filter(([path]) => !everywhere.has(path))
      .flatMap(([path, operations]) =>
        Object.entries(operations).map(([method, operation]) => row(path, method, operation, document)),
      ),
  ]
  return `${head.trimEnd()}\n${Object.entries(documents).flatMap(table).join('\n')}\n`
}
