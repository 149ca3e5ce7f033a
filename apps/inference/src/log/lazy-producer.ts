import { openProducer, type Log, type Outgoing, type Producer } from '@cascata/messaging'

type Kafka = Parameters<typeof openProducer>[0]['kafka']

/** A producer that is opened by its first message, and again after it could not be: a replica starts and answers without a broker. */
export interface LazyProducer {
  send(outgoing: Outgoing): Promise<void>
  close(): Promise<void>
}

export function lazyProducer(kafka: Kafka, log: Log): LazyProducer {
  let opening: Promise<Producer> | undefined
  const producer = () => {
    opening ??= openProducer({ kafka, log }).catch((error: unknown) => {
      opening = undefined
      throw error
    })
    return opening
  }
  return {
    send: async (outgoing) => (await producer()).send(outgoing),
    close: async () => {
      const open = await opening?.catch(() => undefined)
      await open?.close()
    },
  }
}
