import { Controller, Get } from '@nestjs/common'
import autocannon from 'autocannon'
import { fastify as createFastify } from 'fastify'
import { createLogger, createRegistry, defineConfig, permission, Permission, setting, startService } from '../src/index.ts'

/** What an app's guard, metrics, headers and context cost: requests per second of a trivial route, on bare Fastify, on ours, and through Nest. */

class TrivialController {
  get() {
    return { ok: true }
  }
}
const descriptor = Object.getOwnPropertyDescriptor(TrivialController.prototype, 'get')!
Controller('nest')(TrivialController)
Get()(TrivialController.prototype, 'get', descriptor)
Permission('viewer', { scope: 'none' })(TrivialController.prototype, 'get', descriptor)

const bare = createFastify()
bare.get('/hot', () => ({ ok: true }))
bare.post('/echo', () => ({ ok: true }))
const bareUrl = await bare.listen({ port: 0 })

const service = await startService({
  app: 'bench',
  config: defineConfig('bench', { port: setting.port(0) }).parse({}),
  log: createLogger('bench', 'silent'),
  registry: createRegistry('bench'),
  controllers: [TrivialController],
  routes: (fastify) => {
    const config = { permission: permission('viewer', { scope: 'none' }) }
    fastify.get('/hot', { config }, () => ({ ok: true }))
    fastify.post('/echo', { config }, () => ({ ok: true }))
  },
})

const body = JSON.stringify({
  inputs: Array.from({ length: 20 }, (_, index) => ({ name: `f${index}`, shape: [1, 1], datatype: 'FP32', data: [index] })),
})
const measure = async (name: string, url: string, post = false) => {
  const how = post ? { method: 'POST' as const, body, headers: { 'content-type': 'application/json' } } : {}
  await autocannon({ url, connections: 16, duration: 1, ...how })
  const { requests, latency, non2xx } = await autocannon({ url, connections: 16, duration: 4, ...how })
  console.log(
    `${name.padEnd(24)} ${Math.round(requests.average).toString().padStart(6)}/s  p50 ${latency.p50} ms  p99 ${latency.p99} ms  refused ${non2xx}`,
  )
}

await measure('bare Fastify', `${bareUrl}/hot`)
await measure('a hot route', `${service.url}/hot`)
await measure('through Nest', `${service.url}/nest`)
await measure('bare Fastify, POST', `${bareUrl}/echo`, true)
await measure('a hot route, POST', `${service.url}/echo`, true)
await service.stop()
await bare.close()
