import { type INestApplication } from '@nestjs/common'
import { ModulesContainer } from '@nestjs/core'
import { z } from 'zod'
import { type RouteInfo } from './guard.ts'
import { operationOf, type RouteNotes } from './route-notes.ts'

const templateOf = (url: string) => url.replaceAll(/:([A-Za-z_]\w*)/g, '{$1}')

const errorSchema = z.toJSONSchema(
  z.object({ code: z.string(), message: z.string(), hint: z.string(), details: z.record(z.string(), z.unknown()) }),
  { target: 'openapi-3.0' },
)

const errorAnswer = {
  description: 'An error',
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
}

type Operation = Record<string, unknown>

/** Routes that every app has. */
const operations: RouteNotes = {
  'GET /healthz': { does: 'Whether the process answers.' },
  'GET /readyz': { does: 'Whether everything that it needs answers, by name; 503 when not.' },
  'GET /metrics': { does: 'Metrics for Prometheus.' },
  'GET /openapi.json': { does: 'This document.' },
}

interface Parameter {
  readonly name: string
  readonly in: string
}

/** Those of the path, of which Nest knows none without decorators, and those that Nest or the app names. */
function parametersOf(url: string, named: readonly Parameter[]): Parameter[] {
  const known = new Set(named.map(({ name }) => name))
  const inPath = [...url.matchAll(/:([A-Za-z_]\w*)/g)].map(([, name]) => name!).filter((name) => !known.has(name))
  return [...inPath.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })), ...named]
}

const describeRoute = (
  existing: Operation | undefined,
  { url, permission: { needs } }: RouteInfo,
  note: ReturnType<typeof operationOf>,
): Operation => ({
  ...note,
  ...existing,
  summary: note.summary,
  parameters: parametersOf(url, [...((existing?.['parameters'] as Parameter[] | undefined) ?? []), ...note.parameters]),
  responses: {
    '200': { description: 'Done' },
    ...(existing?.['responses'] as object | undefined),
    ...note.responses,
    default: errorAnswer,
  },
  security: needs === 'public' ? [] : [{ bearer: [] }],
  'x-permission': needs === 'public' ? 'public' : needs.join(' or '),
})

const routeArguments = '__routeArguments__'

/** Nest's explorer looks at handlers only whose parameter types the compiler wrote down; ours has them from the schemas, so any type will do. */
const declareParameters = (nest: INestApplication) => {
  const controllers = [...nest.get(ModulesContainer).values()].flatMap((module) => [...module.controllers.values()])
  for (const { metatype } of controllers) {
    const prototype = (metatype as { prototype: object } | null)?.prototype
    for (const name of prototype ? Object.getOwnPropertyNames(prototype) : []) {
      const args = Reflect.getMetadata(routeArguments, metatype as object, name) as Record<string, { index: number }> | undefined
      const count = Math.max(0, ...Object.values(args ?? {}).map(({ index }) => index + 1))
      if (count > 0)
        Reflect.defineMetadata(
          'design:paramtypes',
          Array.from({ length: count }, () => Object),
          prototype!,
          name,
        )
    }
  }
}

/**
 * The app's OpenAPI document: what Nest knows of its controllers (bodies from their zod schemas), every other route besides, who may call each,
 * and what the app notes of them. Throws when it notes something of a route that is not there.
 */
export const openApiDocument = async (
  nest: INestApplication,
  app: string,
  version: string,
  routes: RouteInfo[],
  notes: RouteNotes = {},
): Promise<object> => {
  const { DocumentBuilder, SwaggerModule } = await import('@nestjs/swagger')
  const head = new DocumentBuilder()
    .setTitle(`Cascata ${app}`)
    .setVersion(version)
    .addBearerAuth({ type: 'http', scheme: 'bearer' }, 'bearer')
    .build()
  declareParameters(nest)
  const document = SwaggerModule.createDocument(nest, head)
  const paths = document.paths as Record<string, Record<string, Operation>>
  const left = new Map(Object.entries({ ...operations, ...notes }))
  for (const route of routes.filter(({ method }) => method !== 'HEAD' && method !== 'OPTIONS')) {
    const url = templateOf(route.url)
    const path = (paths[url] ??= {})
    const method = route.method.toLowerCase()
    const note = operationOf(left.get(`${route.method} ${url}`) ?? { does: '' }, errorAnswer)
    left.delete(`${route.method} ${url}`)
    path[method] = describeRoute(path[method], route, note)
  }
  if (left.size > 0) throw new Error(`There is no route ${[...left.keys()].join(', ')} to note something of`)
  const { components } = document
  return { ...document, components: { ...components, schemas: { ...components?.schemas, Error: errorSchema } } }
}
