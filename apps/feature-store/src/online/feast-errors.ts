import { type CodedError, type ErrorFormat } from '@cascata/service'

/** Classes of Feast's that its clients map back to exceptions. */
const classes: Readonly<Record<string, string>> = {
  FS_VIEW_NOT_FOUND: 'FeatureViewNotFoundException',
  FS_PUSH_SOURCE_NOT_FOUND: 'PushSourceNotFoundException',
  FS_FEATURE_SERVICE_NOT_FOUND: 'FeatureServiceNotFoundException',
  FS_FEATURE_NOT_FOUND: 'SpecifiedFeaturesNotPresentError',
  FS_FEATURE_NAMES_COLLIDE: 'FeatureNameCollisionError',
  FS_ENTITY_MISSING: 'RequestDataNotFoundInEntityRowsException',
}

/** An error as Feast's clients read it: a JSON string that holds JSON. What can't succeed answers 404 or 422, which they don't repeat. */
const format = ({ code, message, hint, status }: CodedError) => ({
  status,
  body: JSON.stringify({ module: 'feast.errors', class: classes[code] ?? 'FeastError', message: `${message} ${hint}`, code }),
})

export const feastErrors: readonly ErrorFormat[] = [
  '/get-online-features',
  '/push',
  '/write-to-online-store',
  '/materialize',
].map((prefix) => ({
  prefix,
  format,
}))
