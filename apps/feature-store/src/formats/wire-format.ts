/**
 * Confluent's wire format: a zero byte, the id of a schema (32 bits, big-endian), the payload.
 * No JSON text begins with a zero byte, so the two can't be taken for each other.
 */
export const headBytes = 5

/** Whether bytes can be of the wire format. */
export const isWire = (bytes: Buffer): boolean => bytes.length >= headBytes && bytes[0] === 0

/** The id of the schema that `bytes` name. */
export const schemaIdOf = (bytes: Buffer): number => bytes.readUInt32BE(1)
