import { formatResourceError, type ResourceError } from '@cascata/resources'
import { defineError } from '@cascata/service'

export const resourcesInvalid = defineError<{ errors: readonly ResourceError[] }>({
  code: 'REG_RESOURCES_INVALID',
  status: 400,
  retry: false,
  message: ({ errors }) =>
    Array.isArray(errors)
      ? `Nothing was applied: ${errors.length === 1 ? 'one thing is' : `${errors.length} things are`} wrong. ${formatResourceError(errors[0]!)}`
      : 'Nothing was applied: the documents are wrong.',
  hint: 'Each of `details.errors` names file, line, column and field. `./cascata plan` shows them all.',
})

export const secretsKeyWrong = defineError<{ why: string }>({
  code: 'REG_SECRETS_KEY',
  status: 500,
  retry: false,
  message: ({ why }) => `The key of the secrets of webhooks does not fit: ${why}.`,
  hint: 'Give REGISTRY_SECRETS_KEY, or `registry/secrets.key` in CASCATA_HOME, as it was; or give the webhooks their secrets anew.',
})

export const kindUnknown = defineError<{ kind: string }>({
  code: 'REG_KIND_UNKNOWN',
  status: 404,
  retry: false,
  message: ({ kind }) => `There is no kind ${kind}.`,
  hint: 'The kinds are FeatureView and Model.',
})

export const resourceNotFound = defineError<{ resource: string }>({
  code: 'REG_RESOURCE_NOT_FOUND',
  status: 404,
  retry: false,
  message: ({ resource }) => `${resource} is not applied.`,
  hint: '`./cascata get` lists what is.',
})

export const viewInUse = defineError<{ view: string; models: readonly string[] }>({
  code: 'REG_VIEW_IN_USE',
  status: 409,
  retry: false,
  message: ({ view, models }) => `The view ${view} is read by ${Array.isArray(models) ? models.join(', ') : models}.`,
  hint: 'Delete those models first, or apply them without the view.',
})

export const resourcesInUse = defineError<{ resources: readonly string[] }>({
  code: 'REG_RESOURCES_IN_USE',
  status: 409,
  retry: false,
  message: ({ resources }) =>
    `Nothing was applied: what is in use cannot be pruned. ${Array.isArray(resources) ? resources.join('; ') : resources}.`,
  hint: 'Name them in the files, or delete the models first: `./cascata delete model <name>`. `./cascata plan --prune` shows all that would go.',
})

export const pruneUnclear = defineError<{ prune: string }>({
  code: 'REG_PRUNE_UNCLEAR',
  status: 400,
  retry: false,
  message: ({ prune }) => `prune=${prune} says neither yes nor no; nothing was applied.`,
  hint: 'It is `true` or `false`.',
})

export const blobNotFound = defineError<{ sha256: string }>({
  code: 'REG_BLOB_NOT_FOUND',
  status: 404,
  retry: false,
  message: ({ sha256 }) => `There is no blob ${sha256}.`,
  hint: 'A blob is named by the 64 hexadecimal digits that its upload answered.',
})

export const blobTooLarge = defineError<{ limitBytes: number }>({
  code: 'REG_BLOB_TOO_LARGE',
  status: 413,
  retry: false,
  message: ({ limitBytes }) => `The upload is larger than ${limitBytes} bytes.`,
  hint: 'The limit is REGISTRY_ARTIFACT_LIMIT.',
})

export const uploadBroken = defineError({
  code: 'REG_UPLOAD_BROKEN',
  status: 400,
  retry: true,
  message: 'The upload ended before it was complete; nothing was kept.',
  hint: 'Send it again.',
})

export const storageFull = defineError({
  code: 'REG_STORAGE_FULL',
  status: 503,
  retry: true,
  message: 'There is no room left for the upload; nothing was kept.',
  hint: 'Make room in the folder REGISTRY_DATA, then send it again.',
})

export const storageDown = defineError({
  code: 'REG_STORAGE_DOWN',
  status: 503,
  retry: true,
  message: 'The bucket of the blobs does not answer, or refuses.',
  hint: 'REGISTRY_DATA names it; its credentials come from the environment. The log of the registry has its answer.',
})

export const blobDamaged = defineError<{ sha256: string }>({
  code: 'REG_BLOB_DAMAGED',
  status: 500,
  retry: false,
  message: ({ sha256 }) => `The content of blob ${sha256} is not what its hash says.`,
  hint: 'Upload the same content again: it replaces what is damaged.',
})

export const versionNotFound = defineError<{ version: string }>({
  code: 'REG_VERSION_NOT_FOUND',
  status: 404,
  retry: false,
  message: ({ version }) => `There is no version ${version}.`,
  hint: '`GET /v1/versions/{namespace}/{model}` lists those of a model.',
})

export const versionKept = defineError<{ version: string; why: string }>({
  code: 'REG_VERSION_KEPT',
  status: 409,
  retry: false,
  message: ({ version, why }) => `The version ${version} stays as it is: ${why}.`,
  hint: 'Only what does not serve is deleted, only what is deleted is purged, and what is purged does not come back.',
})

export const modelNotApplied = defineError<{ model: string }>({
  code: 'REG_MODEL_NOT_APPLIED',
  status: 409,
  retry: false,
  message: ({ model }) => `No Model ${model} is applied, so nothing of it can be rolled out.`,
  hint: 'Apply a Model of that name first: `./cascata apply -f model.yaml`.',
})

export const blobMissing = defineError<{ name: string; sha256: string }>({
  code: 'REG_BLOB_MISSING',
  status: 422,
  retry: false,
  message: ({ name, sha256 }) => `${name} names the blob ${sha256}, which was never uploaded.`,
  hint: 'Upload it with `PUT /v1/blobs` first.',
})

export const lineageNotFound = defineError<{ what: string }>({
  code: 'REG_LINEAGE_NOT_FOUND',
  status: 404,
  retry: false,
  message: ({ what }) => `Nothing is recorded of ${what}.`,
  hint: 'Datasets, runs and versions are recorded when their events arrive.',
})

/** Errors of the MLflow protocol: the code after `MLFLOW_` is its `error_code`, the message is its wording. */
const mlflow = (errorCode: string, status: number, retry = false) =>
  defineError<{ message: string }>({
    code: `MLFLOW_${errorCode}`,
    status,
    retry,
    message: ({ message }) => message,
    hint: "See the documentation of MLflow's REST API.",
  })

export const invalidParameterValue = mlflow('INVALID_PARAMETER_VALUE', 400)
export const resourceAlreadyExists = mlflow('RESOURCE_ALREADY_EXISTS', 400)
export const resourceDoesNotExist = mlflow('RESOURCE_DOES_NOT_EXIST', 404)
export const resourceConflict = mlflow('RESOURCE_CONFLICT', 409)
export const permissionDenied = mlflow('PERMISSION_DENIED', 403)
export const notImplemented = mlflow('NOT_IMPLEMENTED', 501)
