import { InferenceSession, Tensor } from 'onnxruntime-node'
import { type Flight, type Instant } from './flights.ts'
import { type PlatformClient, Refused } from './platform-client.ts'

/** One answer that a caller got, and what came of the flight. */
export interface Answered {
  at: Instant
  version: string
  probability: number
  /** What version 1 would have said, from the same features; NaN before there is one. */
  first: number
  delayed: boolean
}

interface Predictions {
  predictions: { version: string; probability: number }[]
}

export const features = ['plans:hour', 'plans:distanceMiles', 'airports:delayMin', 'airports:delayed']

/** An application that asks how likely a flight is late, two hours before it departs, and writes down what it is told. */
export function openCaller(client: PlatformClient, { namespace, model }: { namespace: string; model: string }) {
  const answered: Answered[] = []
  const failures: string[] = []
  let asked = 0
  let retried = 0
  let first: InferenceSession | undefined
  const served = namespace === 'default' ? model : `${namespace}.${model}`

  const predict = async (flights: readonly Flight[], at: Instant) => {
    const body = { entities: { flight: flights.map(({ flight }) => flight) }, ids: flights.map(({ flight }) => flight) }
    for (let attempt = 1; ; attempt++) {
      try {
        return await client.post<Predictions>('inference', `/v1/models/${served}/predict`, body, at)
      } catch (error) {
        // As any careful caller: what says that it passes is tried again.
        const passing = error instanceof Refused ? [429, 503].includes(error.status) : true
        if (attempt >= 5 || !passing) throw error
        retried++
      }
    }
  }

  return {
    answered,
    failures,
    get asked() {
      return asked
    },
    get retried() {
      return retried
    },
    /** Keeps version 1 for ever, to compare with: its ONNX file, run here. */
    async keepFirst() {
      const { modelSha256 } = await client.get<{ modelSha256: string }>('registry', `/v1/versions/${namespace}/${model}/1`)
      first = await InferenceSession.create(await client.blob(modelSha256))
    },
    /** Asks for the flights as of `at`, and what version 1 would have said of the same features. */
    async ask(flights: readonly Flight[], at: Instant) {
      if (flights.length === 0) return
      asked += flights.length
      try {
        const { predictions } = await predict(flights, at)
        const firsts = first ? await scoreFirst(first, client, namespace, flights, at) : flights.map(() => Number.NaN)
        for (const [nth, { version, probability }] of predictions.entries()) {
          answered.push({ at, version: String(version), probability, first: firsts[nth]!, delayed: flights[nth]!.delayMin > 15 })
        }
      } catch (error) {
        failures.push((error as Error).message)
      }
    },
  }
}
export type Caller = ReturnType<typeof openCaller>

async function scoreFirst(
  session: InferenceSession,
  client: PlatformClient,
  namespace: string,
  flights: readonly Flight[],
  at: Instant,
): Promise<number[]> {
  const entities = { flight: flights.map(({ flight }) => flight), origin: flights.map(({ origin }) => origin) }
  const { names, values } = await client.post<{ names: string[]; values: unknown[][] }>(
    'feature-store',
    '/v1/features',
    { namespace, features, entities },
    at,
  )
  const columns = new Map<string, unknown[]>(
    names.map((name, column) => [name.replace(':', '__'), values.map((row) => row[column])]),
  )
  const feeds = Object.fromEntries(
    session.inputMetadata.map((input) => [
      input.name,
      tensorOf('type' in input ? input.type : 'float32', columns.get(input.name) ?? []),
    ]),
  )
  const { probabilities } = await session.run(feeds, ['probabilities'])
  const data = probabilities!.data as Float32Array
  return flights.map((_, row) => data[row * 2 + 1]!)
}

function tensorOf(type: string, column: unknown[]): Tensor {
  const shape = [column.length, 1]
  if (type === 'string')
    return new Tensor(
      'string',
      column.map((value) => String(value ?? '')),
      shape,
    )
  return new Tensor(
    'float32',
    Float32Array.from(column, (value) => (value === null || value === undefined ? Number.NaN : Number(value))),
    shape,
  )
}
