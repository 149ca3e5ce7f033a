import { type Decoded, isObject, parseJson, refused, type RowObject } from './decoded.ts'

const textOf = (header: unknown): string | undefined => (header === undefined || header === null ? undefined : String(header))

/**
 * The data of a CloudEvent 1.x on Kafka, in structured or binary mode
 * (https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/kafka-protocol-binding.md).
 *
 * @param decodeData Reads the bytes of binary mode.
 */
export function unwrapCloudEvent(
  value: Buffer,
  headers: Readonly<Record<string, unknown>>,
  decodeData: (bytes: Buffer) => Decoded,
): Decoded {
  const contentType = textOf(headers['content-type'])?.toLowerCase() ?? ''
  if (contentType.startsWith('application/cloudevents-batch'))
    return refused('ENVELOPE_INVALID', 'a batch of events in one record')
  const version = textOf(headers['ce_specversion'])
  if (version !== undefined && !contentType.startsWith('application/cloudevents'))
    return isSupported(version) ? decodeData(value) : refused('ENVELOPE_INVALID', 'specversion is not 1.x')
  const parsed = parseJson(value)
  return 'is' in parsed ? parsed : structured(parsed.row)
}

const isSupported = (version: unknown): boolean => typeof version === 'string' && version.startsWith('1.')

function structured(event: RowObject): Decoded {
  if (!Object.hasOwn(event, 'specversion'))
    return refused('ENVELOPE_INVALID', 'neither ce_specversion in the headers nor specversion')
  if (!isSupported(event['specversion'])) return refused('ENVELOPE_INVALID', 'specversion is not 1.x')
  const { data, data_base64: encoded } = event
  if (isObject(data)) return { is: 'row', row: data }
  if (data !== undefined || typeof encoded !== 'string') return refused('ENVELOPE_INVALID', 'data is not an object')
  const read = parseJson(Buffer.from(encoded, 'base64'))
  return 'is' in read ? read : { is: 'row', row: read.row }
}
