/** One thing that is wrong with a document, with the place in its file (line and column count from 1). */
export interface ResourceError {
  file: string
  line: number
  column: number
  /** The field's path, such as `spec.ttl` or `spec.features[2]`; empty for the file as a whole. */
  field: string
  message: string
  hint?: string | undefined
}

/** `views.yaml:12:5 spec.ttl expected a duration … (write its unit: 15m)` */
export const formatResourceError = ({ file, line, column, field, message, hint }: ResourceError): string =>
  `${file}:${line}:${column} ${field === '' ? '' : `${field}: `}${message}${hint === undefined ? '' : ` (${hint})`}`

/** Everything that is wrong with the documents that were read; its message has a line for each. */
export class ResourceErrors extends Error {
  override readonly name = 'ResourceErrors'
  readonly errors: readonly ResourceError[]

  constructor(errors: readonly ResourceError[]) {
    super(errors.map(formatResourceError).join('\n'))
    this.errors = errors
  }
}
