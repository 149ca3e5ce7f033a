import { connect } from 'node:net'

const metadata = 3
const version = 5

const request = (): Buffer => {
  const client = Buffer.from('cascata-set-up')
  const body = Buffer.alloc(2 + 2 + 4 + 2 + client.length + 4 + 1)
  let at = body.writeInt16BE(metadata, 0)
  at = body.writeInt16BE(version, at)
  at = body.writeInt32BE(1, at)
  at = body.writeInt16BE(client.length, at)
  at += client.copy(body, at)
  at = body.writeInt32BE(0, at)
  body.writeInt8(0, at)
  const size = Buffer.alloc(4)
  size.writeInt32BE(body.length)
  return Buffer.concat([size, body])
}

/**
 * One metadata request in Kafka's own protocol, without a client library. Resolves when the broker names at least one live
 * broker, itself, which is when clients can work.
 *
 * @throws when nobody answers within `timeoutMs`, or the broker is not registered yet.
 */
export const askForBrokers = (host: string, port: number, timeoutMs = 2_000): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port })
    let answer = Buffer.alloc(0)
    const end = (error?: Error) => {
      socket.destroy()
      if (error) reject(error)
      else resolve()
    }
    socket.setTimeout(timeoutMs, () => end(new Error(`Kafka at ${host}:${port} did not answer within ${timeoutMs} ms.`)))
    socket.on('error', end)
    socket.on('close', () => reject(new Error(`Kafka at ${host}:${port} closed the connection.`)))
    socket.on('connect', () => socket.write(request()))
    socket.on('data', (chunk) => {
      answer = Buffer.concat([answer, chunk])
      if (answer.length < 16 || answer.length < 4 + answer.readInt32BE(0)) return
      const brokers = answer.readInt32BE(12)
      end(brokers > 0 ? undefined : new Error(`Kafka at ${host}:${port} has no live broker yet.`))
    })
  })
