import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'

interface Registered {
  readonly schema: string
  readonly schemaType?: string
  readonly references?: unknown[]
}

/**
 * A stand-in for a schema registry: the part of Confluent's HTTP API that its serializers and this service use, in memory.
 * No registry could be had as a package (Confluent's is not on Maven Central, Karapace not on PyPI); what speaks to it in the tests is
 * Confluent's own client.
 */
export async function startTestRegistry(login?: string) {
  const schemas: Registered[] = []
  const subjects = new Map<string, number[]>()
  const state = { down: false, asked: 0 }

  const answer = (method: string, path: string, body: Registered | undefined): [number, object] => {
    const [, first, name = '', last, version] = path.split('?')[0]!.split('/').map(decodeURIComponent)
    const missing: [number, object] = [404, { error_code: 40403, message: 'Schema not found' }]
    const described = (id: number) => ({
      subject: name,
      id,
      version: (subjects.get(name) ?? []).indexOf(id) + 1,
      ...schemas[id - 1]!,
    })
    if (first === 'schemas') return schemas[Number(last) - 1] ? [200, schemas[Number(last) - 1]!] : missing
    if (method === 'POST') {
      const known = schemas.findIndex(({ schema }) => schema === body!.schema) + 1
      if (last === undefined) return known > 0 ? [200, described(known)] : missing
      const id = known > 0 ? known : schemas.push(body!)
      subjects.set(name, [...new Set([...(subjects.get(name) ?? []), id])])
      return [200, described(id)]
    }
    const versions = subjects.get(name) ?? []
    const id = version === 'latest' ? versions.at(-1) : versions[Number(version) - 1]
    return id === undefined ? missing : [200, described(id)]
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      state.asked += 1
      const text = Buffer.concat(chunks).toString()
      const allowed = login === undefined || request.headers.authorization === `Basic ${Buffer.from(login).toString('base64')}`
      const [status, said] = state.down
        ? [503, { error_code: 50001, message: 'down' }]
        : allowed
          ? answer(request.method!, request.url!, text === '' ? undefined : (JSON.parse(text) as Registered))
          : [401, { error_code: 401, message: 'Unauthorized' }]
      response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' }).end(JSON.stringify(said))
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    state,
    /** Registers a schema as a client would; returns its id. */
    register: (subject: string, registered: Registered): number =>
      (answer('POST', `/subjects/${subject}/versions`, registered)[1] as { id: number }).id,
    close: () => new Promise<void>((done) => (server.closeAllConnections(), server.close(() => done()))),
  }
}
