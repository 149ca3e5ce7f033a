import { type JudgedType, type Judgement } from './judgement.ts'

/** A judgement, and what it is about. */
export interface Judged {
  readonly version: string
  readonly type: JudgedType
  readonly judgement: Judgement
}

/** A finding that is open. */
export interface Open {
  readonly finding: string
  readonly type: string
  readonly version: string | null
}

export interface FindingChanges {
  readonly open: readonly (Judged & { readonly judgement: Extract<Judgement, { is: 'bad' }> })[]
  readonly close: readonly { readonly finding: string; readonly reason: string; readonly size: number | null }[]
}

const isBad = (judged: Judged): judged is FindingChanges['open'][number] => judged.judgement.is === 'bad'

/**
 * What changes: a finding is opened once and stays until it is judged good or its version serves no more. What the rows don't tell changes
 * nothing.
 */
export const decideFindings = (open: readonly Open[], judged: readonly Judged[], serving: readonly string[]): FindingChanges => {
  const about = ({ type, version }: { type: string; version: string | null }) => `${type} ${version}`
  const isOpen = new Set(open.map(about))
  const byWhat = new Map(judged.map((each) => [about(each), each.judgement]))
  return {
    open: judged.filter(isBad).filter((each) => !isOpen.has(about(each)) && serving.includes(each.version)),
    close: open.flatMap((each) => {
      if (each.version !== null && !serving.includes(each.version))
        return [{ finding: each.finding, reason: 'no longer serves', size: null }]
      const judgement = byWhat.get(about(each))
      return judgement?.is === 'good' ? [{ finding: each.finding, reason: 'recovered', size: judgement.size }] : []
    }),
  }
}
