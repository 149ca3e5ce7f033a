/** The slot of a key in a cluster of Redis, of its hash tag where it has one: CRC16 modulo 16384. */
declare module 'cluster-key-slot' {
  export default function slotOf(key: string): number
}
