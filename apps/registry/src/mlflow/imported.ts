import { currentPrincipal } from '@cascata/service'
import { z } from 'zod'
import { permissionDenied, resourceAlreadyExists } from '../errors.ts'

const keep = <Shape extends z.ZodRawShape>(shape: Shape) => z.object(shape).optional()

/**
 * What an import from another server keeps of what it copies, as the field `imported` of a request that makes something: so that
 * `runs:/…`, `models:/m-…` and `models:/name/3` mean the same afterwards. Identities have the one form that servers give them.
 */
export const imported = {
  run: keep({ run_id: z.string().regex(/^[0-9a-f]{32}$/) }),
  loggedModel: keep({ model_id: z.string().regex(/^m-[0-9a-f]{32}$/) }),
  version: keep({ version: z.string().regex(/^[1-9]\d{0,8}$/) }),
}

/** Who chooses an id takes it from all others, so this is for admins of all namespaces. Throws `PERMISSION_DENIED`. */
export const requireImporter = (asked: object | undefined): void => {
  const { role, unscoped } = currentPrincipal()
  if (asked !== undefined && !(role === 'admin' && unscoped))
    throw permissionDenied({ message: `Permission denied: 'imported' needs the role admin and a token for all namespaces.` })
}

/** The refusal of what is here already. */
export const alreadyHere = (what: string): Error => resourceAlreadyExists({ message: `${what} already exists.` })
