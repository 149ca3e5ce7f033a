import { z } from 'zod'

const share = z.number().gt(0).max(1)

/** Parameters of the gradient booster, with their defaults. */
export const gbdtParams = z.strictObject({
  /** At most; early stopping may keep fewer. */
  trees: z.int().min(1).max(5_000).default(150),
  learningRate: share.default(0.1),
  maxLeaves: z.int().min(2).max(1_024).default(31),
  minRowsInLeaf: z.int().min(1).default(20),
  l2: z.number().min(0).default(1),
  /** Splits that gain less are not made. */
  minGain: z.number().min(0).default(1e-6),
  /** Share of the rows that each tree sees, drawn anew per tree. */
  rowShare: share.default(1),
  /** Share of the features that each tree may use. */
  featureShare: share.default(1),
  /** Trees without a better validation loss before the growth stops; 0: never. */
  patience: z.int().min(0).default(15),
  /** Categories with fewer rows share one code. */
  minCategoryRows: z.int().min(1).default(10),
})

export type GbdtParams = z.infer<typeof gbdtParams>
