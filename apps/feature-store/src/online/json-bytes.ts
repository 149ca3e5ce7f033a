const zero = 0x30
const comma = 0x2c

/** Of a natural number below a billion. */
const digitsOf = (value: number): number =>
  value < 10
    ? 1
    : value < 100
      ? 2
      : value < 1_000
        ? 3
        : value < 10_000
          ? 4
          : value < 100_000
            ? 5
            : value < 1_000_000
              ? 6
              : String(value).length

/** JSON being written as bytes: cheaper than a text that is put together and then encoded. */
export class JsonBytes {
  #bytes: Buffer
  #at = 0

  /** @param expected Bytes it will about come to; it grows when they are not enough. */
  constructor(expected: number) {
    this.#bytes = Buffer.allocUnsafe(expected)
  }

  #room(needed: number): void {
    if (this.#at + needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + needed))
    this.#bytes.copy(grown, 0, 0, this.#at)
    this.#bytes = grown
  }

  /** Any text, in UTF-8. */
  text(text: string): void {
    const { length } = text
    this.#room(length * 3)
    if (length > 40) {
      this.#at += this.#bytes.write(text, this.#at)
      return
    }
    const start = this.#at
    for (let index = 0; index < length; index += 1) {
      const code = text.charCodeAt(index)
      if (code > 0x7f) {
        this.#at = start + this.#bytes.write(text, start)
        return
      }
      this.#bytes[start + index] = code
    }
    this.#at = start + length
  }

  comma(): void {
    this.#room(1)
    this.#bytes[this.#at++] = comma
  }

  raw(bytes: Uint8Array): void {
    this.#room(bytes.length)
    this.#bytes.set(bytes, this.#at)
    this.#at += bytes.length
  }

  /** An integer with all its digits. */
  int(value: number | bigint): void {
    if (typeof value === 'bigint' || value < 0 || value >= 1_000_000_000) return this.text(String(value))
    this.#room(9)
    const bytes = this.#bytes
    const start = this.#at
    const end = start + digitsOf(value)
    let rest = value
    for (let place = end - 1; place >= start; place -= 1) {
      const next = (rest / 10) | 0
      bytes[place] = zero + rest - next * 10
      rest = next
    }
    this.#at = end
  }

  done(): Buffer {
    return this.#bytes.subarray(0, this.#at)
  }
}
