import { type Context } from '../../context.ts'
import { list, table } from '../../output/table.ts'
import { showCount } from '../../output/words.ts'

export const kinds = ['experiments', 'runs', 'logged models', 'artifacts', 'models', 'versions', 'aliases'] as const
export type Kind = (typeof kinds)[number]

/** What became of a thing: `there` was copied by an earlier import. */
export type Fate = 'copied' | 'there' | 'skipped' | 'refused'

export interface Remark {
  readonly kind: Kind
  readonly what: string
  readonly why: string
}

/** What an import came to. */
export interface Report {
  readonly source: string
  readonly counts: Record<Kind, Record<Fate, number>>
  bytes: number
  /** As many as are worth reading; `counts` has them all. */
  readonly skipped: Remark[]
  readonly refused: Remark[]
}

const mostRemarks = 10_000
const shownRemarks = 20

export const emptyReport = (source: string): Report => ({
  source,
  counts: Object.fromEntries(
    kinds.map((kind) => [kind, { copied: 0, there: 0, skipped: 0, refused: 0 }]),
  ) as unknown as Report['counts'],
  bytes: 0,
  skipped: [],
  refused: [],
})

/** Notes what became of a thing; what was skipped or refused with its reason. */
export function note(report: Report, kind: Kind, fate: 'copied' | 'there'): void
export function note(report: Report, kind: Kind, fate: 'skipped' | 'refused', what: string, why: string): void
export function note(report: Report, kind: Kind, fate: Fate, what = '', why = ''): void {
  report.counts[kind][fate] += 1
  if (fate !== 'skipped' && fate !== 'refused') return
  if (report[fate].length < mostRemarks) report[fate].push({ kind, what, why })
}

export const hasRefused = ({ counts }: Report): boolean => kinds.some((kind) => counts[kind].refused > 0)

const remarks = (title: string, all: readonly Remark[]): string[] => {
  if (all.length === 0) return []
  const more = all.length > shownRemarks ? [`… and ${showCount(all.length - shownRemarks)} more (--json)`] : []
  return ['', title, ...all.slice(0, shownRemarks).map(({ kind, what, why }) => `  ${kind} ${what}: ${why}`), ...more]
}

export function showReport(context: Context, report: Report): string {
  const rows = kinds.map((kind) => {
    const { copied, there, skipped, refused } = report.counts[kind]
    return [kind, ...[copied, there, skipped, refused].map(showCount)]
  })
  return [
    list(context, [
      ['from', report.source],
      ['bytes', showCount(report.bytes)],
    ]),
    '',
    table(context, ['', 'copied', 'there before', 'skipped', 'refused'], rows),
    ...remarks('Skipped', report.skipped),
    ...remarks('Refused', report.refused),
  ].join('\n')
}
