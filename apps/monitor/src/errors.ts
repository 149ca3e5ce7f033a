import { defineError } from '@cascata/service'

export const modelNotWatched = defineError<{ model: string }>({
  code: 'MON_MODEL_NOT_FOUND',
  status: 404,
  retry: false,
  message: ({ model }) => `Nothing is known of a model ${model}.`,
  hint: '`./cascata get models` lists what is applied; a name may carry its namespace.',
})

export const questionInvalid = defineError<{ problems: readonly string[] }>({
  code: 'MON_QUESTION_INVALID',
  status: 400,
  retry: false,
  message: ({ problems }) => `The question can't be answered: ${Array.isArray(problems) ? problems.join('; ') : problems}.`,
  hint: 'Times are ISO 8601, versions whole numbers separated by commas; `GET /openapi.json` describes each parameter.',
})
