import { createHash, randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { literal, withDuck } from '../labels/duckdb.ts'

/** What the feature store would say of an entity at a time; label null: none has come. */
export type Truth = (flight: string, at: number) => { distance: number | null; carrier: string; label: boolean | null }

/**
 * The parts of registry and feature store that the monitor asks: versions with their profile, and datasets of spines, answered from `truth`.
 * Real HTTP, real Parquet; that the real ones answer so is shown end to end.
 */
export const startOthers = async (truth: Truth) => {
  const folder = await mkdtemp(join(tmpdir(), 'monitor-others-'))
  const profiles = new Map<string, string>()
  const resources = new Map<string, object>()
  const blobs = new Map<string, Buffer>()
  const datasets = new Map<string, { spine: string; question: { spine: string; features?: string[] }; asked: number }>()
  const state = { down: false, failNext: 0 }

  const build = async (spine: string, id: string) => {
    await writeFile(join(folder, `${id}.spine`), blobs.get(spine)!)
    return withDuck({ folder, memory: 256 * 1024 ** 2 }, async (connection) => {
      const reader = await connection.runAndReadAll(
        `select flight, epoch_ms("at")::DOUBLE as ms from read_parquet(${literal(join(folder, `${id}.spine`))})`,
      )
      const rows = (reader.getRowObjectsJS() as { flight: string; ms: number }[]).map(({ flight, ms }) => ({
        flight,
        ms,
        ...truth(flight, ms),
      }))
      await writeFile(join(folder, `${id}.json`), rows.map((row) => JSON.stringify(row)).join('\n'))
      const columns = `{flight: 'VARCHAR', ms: 'BIGINT', distance: 'DOUBLE', carrier: 'VARCHAR', label: 'BOOLEAN'}`
      await connection.run(
        `copy (select flight, epoch_ms(ms)::TIMESTAMPTZ as "at", distance as flights__distance, carrier as flights__carrier, label
           from read_json(${literal(join(folder, `${id}.json`))}, format = 'newline_delimited', columns = ${columns}))
         to ${literal(join(folder, `${id}.parquet`))} (format parquet)`,
      )
      return readFile(join(folder, `${id}.parquet`))
    })
  }

  const bodyOf = async (request: IncomingMessage) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    return Buffer.concat(chunks)
  }

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const path = new URL(request.url!, 'http://x').pathname
    const json = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    const missing = () => json(404, { code: 'NOT_FOUND', message: 'nothing here', hint: '', details: {} })
    if (state.down) return json(503, { code: 'DOWN', message: 'down', hint: '', details: {} })
    const body = await bodyOf(request)
    const keep = () => {
      const sha256 = createHash('sha256').update(body).digest('hex')
      blobs.set(sha256, body)
      return sha256
    }
    const [, resource] = /^\/v1\/resources\/(.+)$/.exec(path) ?? []
    if (resource) return resources.has(resource) ? json(200, resources.get(resource)!) : missing()
    const [, version] = /^\/v1\/versions\/(.+)$/.exec(path) ?? []
    if (version) return profiles.has(version) ? json(200, { profileSha256: profiles.get(version) }) : missing()
    const [, blob] = /^\/v1\/blobs\/(\w+)$/.exec(path) ?? []
    if (blob) return blobs.has(blob) ? response.end(blobs.get(blob)) : missing()
    if (path === '/v1/spines') return json(200, { sha256: keep() })
    if (path === '/v1/datasets') {
      const question = JSON.parse(body.toString()) as { spine: string }
      const id = randomUUID()
      datasets.set(id, { spine: question.spine, question, asked: 0 })
      return json(202, { id })
    }
    const [, id, data] = /^\/v1\/datasets\/([\w-]+)(\/data)?$/.exec(path) ?? []
    const dataset = id && datasets.get(id)
    if (!dataset) return missing()
    if (data) return response.end(await build(dataset.spine, id))
    dataset.asked++
    if (state.failNext > 0)
      return json(200, { state: state.failNext-- > 0 ? 'failed' : 'built', error: { code: 'FS_DATASET_INPUT_BEHIND' } })
    return json(200, { state: dataset.asked > 1 ? 'built' : 'building' })
  }

  const server = createServer(
    (request, response) => void answer(request, response).catch((error) => response.writeHead(500).end(String(error))),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    state,
    datasets,
    /** What is applied, by `kind/namespace/name`. */
    resources,
    /** Gives a version (`namespace/model/version`) a profile. */
    addProfile(version: string, profile: object) {
      const blob = Buffer.from(JSON.stringify(profile))
      const sha256 = createHash('sha256').update(blob).digest('hex')
      blobs.set(sha256, blob)
      profiles.set(version, sha256)
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await rm(folder, { recursive: true, force: true })
    },
  }
}
