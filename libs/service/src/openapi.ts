import { type INestApplication } from '@nestjs/common'
import { ModulesContainer } from '@nestjs/core'
import { z } from 'zod'
import { type RouteInfo } from './guard.ts'

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

const describeRoute = (existing: Operation | undefined, { url, permission: { needs } }: RouteInfo): Operation => ({
  summary: '',
  parameters: [...url.matchAll(/:([A-Za-z_]\w*)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  })),
  ...existing,
  responses: { '200': { description: 'Done' }, ...(existing?.['responses'] as object | undefined), default: errorAnswer },
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
 * The app's OpenAPI document: what Nest knows of its controllers (bodies from their zod schemas), every other route besides, and who may call each.
 */
export const openApiDocument = async (
  nest: INestApplication,
  app: string,
  version: string,
  routes: RouteInfo[],
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
  for (const route of routes.filter(({ method }) => method !== 'HEAD' && method !== 'OPTIONS')) {
    const path = (paths[templateOf(route.url)] ??= {})
    const method = route.method.toLowerCase()
    path[method] = describeRoute(path[method], route)
  }
  const { components } = document
  return { ...document, components: { ...components, schemas: { ...components?.schemas, Error: errorSchema } } }
}
