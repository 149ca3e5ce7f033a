import { defineError } from '@cascata/service'

export const modelNotFound = defineError<{ model: string }>({
  code: 'DISP_MODEL_NOT_FOUND',
  status: 404,
  retry: false,
  message: ({ model }) => `No model ${model} is applied.`,
  hint: '`./cascata get models` lists what is applied; a name may carry its namespace: ns/name.',
})

export const runNotFound = defineError<{ run: string }>({
  code: 'DISP_RUN_NOT_FOUND',
  status: 404,
  retry: false,
  message: ({ run }) => `There is no run ${run}.`,
  hint: '`./cascata runs` lists the newest.',
})

export const runEnded = defineError<{ run: string; state: string }>({
  code: 'DISP_RUN_ENDED',
  status: 409,
  retry: false,
  message: ({ run, state }) => `Run ${run} has ended: it is ${state}.`,
  hint: '`./cascata train <model>` asks for another one.',
})

export const trainingForbidden = defineError<{ model: string; reason: string }>({
  code: 'DISP_TRAINING_FORBIDDEN',
  status: 409,
  retry: true,
  message: ({ model, reason }) => `Model ${model} is ${reason}: nothing is trained.`,
  hint: '`./cascata status <model>` says why; `./cascata resume <model>` ends a pause or a suspension, a freeze ends with its finding.',
})

export const reproductionNotFound = defineError<{ reproduction: string }>({
  code: 'DISP_REPRODUCTION_NOT_FOUND',
  status: 404,
  retry: false,
  message: ({ reproduction }) => `There is no reproduction ${reproduction}.`,
  hint: '`./cascata reproduce <model>/<version>` asks for one.',
})

export const reproductionsFull = defineError<{ limit: number }>({
  code: 'DISP_REPRODUCTIONS_FULL',
  status: 429,
  retry: true,
  message: ({ limit }) => `${limit} reproductions wait already.`,
  hint: 'Ask again when one of them has ended.',
})

export const progressRefused = defineError<{ run: string }>({
  code: 'DISP_PROGRESS_REFUSED',
  status: 403,
  retry: false,
  message: ({ run }) => `This is not the token of run ${run}, or its trainer is not at work.`,
  hint: 'The token is in the job file, as `progress.token`.',
})
