/** How many buckets a split has; a share of 1 % is 100 of them. */
export const BUCKETS = 10_000

const scramble = (block: number): number => {
  const k = Math.imul(block, 0xcc9e2d51)
  return Math.imul((k << 15) | (k >>> 17), 0x1b873593)
}

/** MurmurHash3 x86 32-bit (Austin Appleby, public domain) of bytes; the answer is unsigned. */
export const murmur3 = (bytes: Uint8Array, seed = 0): number => {
  let hash = seed
  const whole = bytes.length & ~3
  for (let i = 0; i < whole; i += 4) {
    hash ^= scramble(bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24))
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0
  }
  let tail = 0
  for (let i = bytes.length - 1; i >= whole; i--) tail = (tail << 8) | bytes[i]!
  if (bytes.length > whole) hash ^= scramble(tail)

  hash ^= bytes.length
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

const utf8 = new TextEncoder()

/**
 * The sticky bucket of a unit, 0 … 9999: murmur3_32(utf8(key + "\0" + unit)) mod 10,000.
 *
 * The key (a rollout's id) makes splits of different rollouts independent of each other. The same in every process and on every machine;
 * a version that owns [0, share) keeps its units as the share grows. The modulo's bias is below 3e-6.
 */
export const bucketOf = (key: string, unit: string): number => murmur3(utf8.encode(`${key}\0${unit}`)) % BUCKETS
