import { fileURLToPath } from 'node:url'
import { ObjectStoreError } from './errors.ts'

/** Where objects are kept, as a setting says it. */
export type Place =
  | { readonly kind: 'directory'; readonly folder: string }
  | {
      readonly kind: 'bucket'
      readonly bucket: string
      /** Before every key; empty, or ending in a slash. */
      readonly prefix: string
      readonly endpoint?: string
      readonly region?: string
    }

/**
 * Reads `/a/folder`, `file:///a/folder` or `s3://bucket/prefix?endpoint=https://minio:9000&region=eu-central-1`.
 * Credentials, and endpoint and region where they are not said, come the way AWS's tools find them: environment, files, the machine's role.
 * Throws `BAD_NAME`.
 */
export const placeOf = (location: string): Place => {
  if (location.startsWith('file:')) return { kind: 'directory', folder: fileURLToPath(location) }
  if (!location.startsWith('s3:')) return { kind: 'directory', folder: location }
  const url = URL.canParse(location) ? new URL(location) : undefined
  const unknown = [...(url?.searchParams.keys() ?? [])].find((name) => !['endpoint', 'region'].includes(name))
  if (!url?.hostname || url.username || url.password || url.hash || unknown !== undefined)
    throw new ObjectStoreError(
      'BAD_NAME',
      `Expected a folder or s3://bucket/prefix?endpoint=…&region=…, not ${location.slice(0, 200)}.`,
    )
  const prefix = decodeURIComponent(url.pathname).replaceAll(/^\/+|\/+$/g, '')
  const [endpoint, region] = [url.searchParams.get('endpoint'), url.searchParams.get('region')]
  return {
    kind: 'bucket',
    bucket: url.hostname,
    prefix: prefix === '' ? '' : `${prefix}/`,
    ...(endpoint === null ? {} : { endpoint }),
    ...(region === null ? {} : { region }),
  }
}
