import { CodedError, defineError, isCodedError, type ErrorDefinition } from '@cascata/service'
import { ModelRefused } from './models/model-refused.ts'
import { InvalidRequest } from './protocol/invalid-request.ts'

/** Errors whose words are written where they are found; `reason` is what the caller reads. */
const said = (code: string, status: number, retry: boolean, hint: string) =>
  defineError<{ reason: string }>({ code, status, retry, message: ({ reason }) => reason, hint })

export const notJson = said('INF_NOT_JSON', 400, false, 'Send one JSON document in UTF-8; NaN and Infinity are no JSON.')
export const tooDeep = said('INF_TOO_DEEP', 400, false, 'Tensors nest as deep as their shape; the limit is INFERENCE_JSON_DEPTH.')
export const invalidRequest = said('INF_INVALID_REQUEST', 400, false, 'The form of a request is in docs/predict.md.')
export const invalidTensor = said(
  'INF_INVALID_TENSOR',
  400,
  false,
  'Compare the tensor with its shape and datatype; GET /v2/models/{model} says what the model takes.',
)
export const invalidBinary = said(
  'INF_INVALID_BINARY',
  400,
  false,
  'Inference-Header-Content-Length is the length of the JSON; the tensors follow in the order of the inputs.',
)
export const inputsMismatch = said(
  'INF_INPUTS_MISMATCH',
  400,
  false,
  'GET /v2/models/{model} lists the inputs with datatype and shape.',
)
export const missingValue = said(
  'INF_MISSING_VALUE',
  400,
  false,
  'The signature of the version says which inputs may be missing.',
)
export const unknownOutput = said('INF_UNKNOWN_OUTPUT', 400, false, 'GET /v2/models/{model} lists the outputs.')
export const invalidEntities = said(
  'INF_INVALID_ENTITIES',
  422,
  false,
  '`entities` has one list for each key of the observations’ view, all of one length.',
)
export const requestValueMissing = said(
  'INF_REQUEST_VALUE_MISSING',
  422,
  false,
  'Send it in `request`, or declare it nullable in the Model.',
)
export const requestValueInvalid = said(
  'INF_REQUEST_VALUE_INVALID',
  422,
  false,
  'The Model’s `request` says the type of each value.',
)
export const clockIsWall = said(
  'INF_CLOCK_IS_WALL',
  422,
  false,
  'Set `clock: caller` in the Model, or leave the header Cascata-At out.',
)
export const clockInvalid = said(
  'INF_CLOCK_INVALID',
  422,
  false,
  'Cascata-At is one ISO 8601 time with a zone, at most 5 minutes ahead of the clock.',
)
export const featuresMissing = said(
  'INF_FEATURES_MISSING',
  422,
  false,
  'The Model says `onMissing: fail`; `details.missing` names what was not there.',
)

export const modelUnsafe = said(
  'INF_MODEL_UNSAFE',
  500,
  false,
  'Only self-contained ONNX of the domains ai.onnx and ai.onnx.ml is loaded.',
)
export const modelCorrupt = said(
  'INF_MODEL_CORRUPT',
  500,
  false,
  'The file is not the one that was registered: look at the blobs of the registry.',
)
export const modelLoadFailed = said(
  'INF_MODEL_LOAD_FAILED',
  500,
  false,
  'Export the model for an operator set that ONNX Runtime 1.30 knows.',
)
export const modelRunFailed = said(
  'INF_MODEL_RUN_FAILED',
  500,
  false,
  'The graph fails on these values: see the message of ONNX Runtime.',
)
export const modelTimeout = said('INF_MODEL_TIMEOUT', 503, true, 'Send fewer rows at once, or raise INFERENCE_RUN_TIMEOUT.')
export const modelCrashed = said(
  'INF_MODEL_CRASHED',
  503,
  true,
  'The process of the models died and is started again; if it stays, look at the log of inference.',
)
export const goldenMismatch = said(
  'INF_GOLDEN_MISMATCH',
  500,
  false,
  'The model answers otherwise here than where it was made: train it again, or look at its converter.',
)
export const signatureInvalid = said(
  'INF_SIGNATURE_INVALID',
  500,
  false,
  'signature.json is {inputs: [{name, type, nullable}], outputs, classes?}.',
)
export const versionNotFound = said(
  'INF_VERSION_NOT_FOUND',
  500,
  true,
  'The route names a version that the registry does not have.',
)

export const modelNotFound = defineError<{ model: string }>({
  code: 'INF_MODEL_NOT_FOUND',
  status: 404,
  retry: false,
  message: ({ model }) => `No model ${model} serves here.`,
  hint: '`cascata status` lists the models and what serves. A model outside the default namespace is called namespace.name.',
})
export const versionNotServed = defineError<{ model: string; version: string }>({
  code: 'INF_VERSION_NOT_SERVED',
  status: 404,
  retry: false,
  message: ({ model, version }) => `Version ${version} of ${model} is not loaded here.`,
  hint: 'GET /v2/models/{model} lists the versions that are; leave the version out to be answered by the one that serves.',
})
export const notReady = defineError<{ model: string }>({
  code: 'INF_MODEL_NOT_READY',
  status: 503,
  retry: true,
  message: ({ model }) => `${model} has no version that serves yet.`,
  hint: '`cascata status` says what its first version waits for.',
})
export const notByEntity = defineError<{ model: string; version: string; reason: string }>({
  code: 'INF_NOT_BY_ENTITY',
  status: 409,
  retry: false,
  message: ({ model, version, reason }) => `Version ${version} of ${model} can't be asked by entity: ${reason}.`,
  hint: 'Ask it by tensors: POST /v2/models/{model}/infer.',
})
export const featuresUnavailable = defineError<{ reason: string }>({
  code: 'INF_FEATURES_UNAVAILABLE',
  status: 503,
  retry: true,
  message: ({ reason }) => `The feature store does not answer: ${reason}.`,
  hint: 'Try again; look at /readyz of feature-store.',
})
export const wrongOutput = defineError<{ reason: string }>({
  code: 'INF_MODEL_OUTPUT',
  status: 500,
  retry: false,
  message: ({ reason }) => `The model's answer is of no use: ${reason}.`,
  hint: 'Outputs are `label` and `probabilities`, or `value`, with finite numbers.',
})
export const badEncoding = defineError<{ reason: string }>({
  code: 'INF_CONTENT_ENCODING',
  status: 415,
  retry: false,
  message: ({ reason }) => `The body can't be decompressed: ${reason}.`,
  hint: 'Content-Encoding is gzip, deflate or identity.',
})
export const wrongContentType = defineError<{ contentType: string }>({
  code: 'INF_CONTENT_TYPE',
  status: 415,
  retry: false,
  message: ({ contentType }) => `A body of type ${contentType} is not taken here.`,
  hint: 'Send application/json, application/octet-stream with binary tensors, or no Content-Type.',
})

const byCode = new Map<string, ErrorDefinition<{ reason: string }>>(
  [
    notJson,
    tooDeep,
    invalidRequest,
    invalidTensor,
    invalidBinary,
    inputsMismatch,
    missingValue,
    unknownOutput,
    invalidEntities,
    requestValueMissing,
    requestValueInvalid,
    clockIsWall,
    clockInvalid,
    featuresMissing,
    modelUnsafe,
    modelCorrupt,
    modelLoadFailed,
    modelRunFailed,
    modelTimeout,
    modelCrashed,
    goldenMismatch,
    signatureInvalid,
    versionNotFound,
  ].map(({ definition }) => [definition.code, definition]),
)

/** A failure of a request or a model as a coded one; anything else stays what it is, a fault of ours. */
export function codedOf(error: unknown): unknown {
  if (!(error instanceof InvalidRequest || error instanceof ModelRefused)) return error
  const { status, retry, hint } = byCode.get(error.code)!
  const { code, message, details } = error
  return new CodedError({ code, status, retry, message, hint: String(hint), details, cause: error })
}

/** The stable code of a failure, for logs and metrics. */
export const codeOf = (error: unknown): string =>
  isCodedError(error) || error instanceof InvalidRequest || error instanceof ModelRefused ? error.code : 'HTTP_INTERNAL'

/** Whether the caller could have asked better: a fault that every version would find is no version's error. */
export const isCallersFault = (error: unknown): boolean =>
  error instanceof InvalidRequest || (isCodedError(error) && error.status < 500)
