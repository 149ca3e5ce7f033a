import { service } from '../test-shell.ts'

/** An import as it is asked for. */
export interface Posted {
  view: string
  namespace: string
  maxRejects: number | null
  files: { sha256: string; name: string; bytes: number; format: string }[]
}

/** A feature store that holds `received` bytes of each file already, and ends the import as told. */
export const anImportStore = (received: number, end: object) => {
  let posted: Posted | undefined
  const shown = (state: string) => ({
    ...{ id: 'i1', state, rows: 1, accepted: 1, rejected: 0, ignored: 0, reasons: {}, rejects: [] },
    files: posted!.files.map((file) => ({ ...file, received, rows: 1, state: 'waiting' })),
  })
  return service(({ method, url, body }) => {
    if (method === 'POST' && url === '/v1/imports') {
      posted = JSON.parse(body) as Posted
      return [202, shown('receiving')]
    }
    return method === 'PUT' ? [200, { received: 1 }] : [200, { ...shown('done'), ...end }]
  })
}
