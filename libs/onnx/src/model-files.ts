/** `signature.json` of a model: its inputs by column, its outputs, and the order of its classes. */
export interface ModelSignature {
  /** `type` is the resource's field type; text travels as BYTES, everything else as FP32 with NaN for missing. */
  inputs: { name: string; type: string; nullable: boolean }[]
  /** −1 is a free dimension. */
  outputs: { name: string; type: 'float' | 'int64' | 'string'; shape: number[] }[]
  /** In the order of the columns of `probabilities`; binary: the second is the positive one. */
  classes?: (string | number)[]
}

/** `golden.json` of a model: rows with the outputs it must give wherever it is loaded. Missing values are null. */
export interface GoldenRows {
  rows: number
  inputs: Record<string, (string | number | null)[]>
  outputs: { probabilities: number[][]; label: (string | number)[] } | { value: number[] }
  /** Greatest difference of a number, relative to max(1, |expected|). */
  tolerance: number
}
