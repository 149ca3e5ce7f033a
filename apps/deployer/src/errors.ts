import { defineError } from '@cascata/service'

export const modelNotFound = defineError<{ model: string }>({
  code: 'DEP_MODEL_NOT_FOUND',
  status: 404,
  retry: false,
  message: ({ model }) => `Nothing of the model ${model} was ever applied or approved.`,
  hint: ({ model }) => `Apply it, or look at \`cascata get models\` for its name: ${model}.`,
})
export const modelNotApplied = defineError<{ model: string }>({
  code: 'DEP_MODEL_NOT_APPLIED',
  status: 409,
  retry: false,
  message: ({ model }) => `The model ${model} is not applied, so nothing of it can serve.`,
  hint: 'Apply it with `cascata apply -f FILE`.',
})
export const noRollout = defineError<{ model: string }>({
  code: 'DEP_NO_ROLLOUT',
  status: 409,
  retry: false,
  message: ({ model }) => `No rollout of ${model} is under way.`,
  hint: ({ model }) => `\`cascata status ${model}\` shows what serves.`,
})
export const notPaused = defineError<{ model: string }>({
  code: 'DEP_NOT_PAUSED',
  status: 409,
  retry: false,
  message: ({ model }) => `The rollout of ${model} is neither paused nor held.`,
  hint: 'It goes on by itself.',
})
export const cannotPause = defineError<{ model: string }>({
  code: 'DEP_CANNOT_PAUSE',
  status: 409,
  retry: false,
  message: ({ model }) => `The rollout of ${model} is in bake or paused already: there is nothing to stop.`,
  hint: ({ model }) => `\`cascata rollback ${model}\` takes the version out, \`cascata promote ${model}\` ends the bake.`,
})
export const nothingBefore = defineError<{ model: string }>({
  code: 'DEP_NOTHING_BEFORE',
  status: 409,
  retry: false,
  message: ({ model }) => `No version served ${model} before that could be gone back to.`,
  hint: 'Name a version with `--to`.',
})
export const versionUnknown = defineError<{ model: string; version: string }>({
  code: 'DEP_VERSION_UNKNOWN',
  status: 404,
  retry: false,
  message: ({ model, version }) => `Version ${version} of ${model} was never approved, or was rejected.`,
  hint: ({ model }) => `\`cascata get versions ${model}\` lists them; \`cascata approve\` lets one serve.`,
})
export const servesAlready = defineError<{ model: string; version: string }>({
  code: 'DEP_SERVES_ALREADY',
  status: 409,
  retry: false,
  message: ({ model, version }) => `Version ${version} of ${model} is the one to go back from.`,
  hint: 'Name another version.',
})
