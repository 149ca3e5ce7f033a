import { z } from 'zod'

/** Parameters of the linear models, with their defaults. */
export const linearParams = z.strictObject({
  /** Strength of the penalty ½·l2·|w|² on standardised weights, against a loss summed over the rows. */
  l2: z.number().min(0).default(1),
  /** At most; stops when the loss no longer falls. */
  iterations: z.int().min(1).max(10_000).default(200),
  tolerance: z.number().gt(0).default(1e-7),
  /** Categories of a text with a weight of their own; the others share one. */
  categories: z.int().min(1).max(10_000).default(100),
  minCategoryRows: z.int().min(1).default(10),
})

export type LinearParams = z.infer<typeof linearParams>
