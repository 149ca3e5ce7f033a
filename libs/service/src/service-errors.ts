import * as auth from './auth-errors.ts'
import * as client from './client-errors.ts'
import { errorSet, type ErrorSet } from './errors-doc.ts'
import * as http from './http-errors.ts'
import * as start from './start-errors.ts'

/** Errors that every app can answer with. */
export const serviceErrors: ErrorSet = errorSet('every app', { ...http, ...auth, ...client, ...start })
