import { type Scored } from '@cascata/statistics'
import { type Task } from '../windows/window.ts'

/** An answer and what came true; label null: nobody knows. */
export interface Answer {
  readonly output: unknown
  readonly probability: number | Readonly<Record<string, number>> | null
  readonly label: string | number | boolean | null
}

/** Whether a label or an output says "yes": `true`, 1, or their texts. */
export const isPositive = (value: unknown): boolean => value === true || value === 1 || value === 'true' || value === '1'

const first = (output: unknown): unknown => (Array.isArray(output) ? output[0] : output)

const binaryScore = ({ output, probability }: Answer): number => {
  if (typeof probability === 'number') return probability
  if (probability) return probability['true'] ?? probability['1'] ?? 0
  return isPositive(first(output)) ? 1 : 0
}

/** Labelled answers as metrics take them; answers without a label are left out. */
export const scoredOf = (task: Task, answers: readonly Answer[]): Scored => {
  const labelled = answers.filter(({ label }) => label !== null)
  switch (task) {
    case 'binary':
      return { task, labels: labelled.map(({ label }) => (isPositive(label) ? 1 : 0)), scores: labelled.map(binaryScore) }
    case 'regression':
      return {
        task,
        labels: labelled.map(({ label }) => Number(label)),
        scores: labelled.map(({ output }) => Number(first(output))),
      }
    case 'multiclass': {
      const probabilities = labelled.map(({ output, probability }) =>
        typeof probability === 'object' && probability ? probability : { [String(first(output))]: 1 },
      )
      const names = new Set([...labelled.map(({ label }) => String(label)), ...probabilities.flatMap((by) => Object.keys(by))])
      const classes = [...names].sort()
      return {
        task,
        labels: labelled.map(({ label }) => classes.indexOf(String(label))),
        scores: probabilities.flatMap((by) => classes.map((name) => by[name] ?? 0)),
        classes: classes.length,
      }
    }
  }
}

/** Scores of a binary model, labelled or not. */
export const binaryScores = (answers: readonly Answer[]): number[] => answers.map(binaryScore)
