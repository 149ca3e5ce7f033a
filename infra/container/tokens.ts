import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createToken } from '@cascata/service'

/** The token that the apps present to each other. */
export const serviceTokenFile = 'service.token'
const adminTokenFile = 'admin.token'
const tokensFile = 'tokens.json'

/** Makes a token for the apps and one for a person, where there are none yet. @returns What to tell that person. */
export const ensureTokens = async (folder: string): Promise<string> => {
  if (!existsSync(join(folder, tokensFile))) {
    const service = createToken({ name: 'service', role: 'admin' })
    const admin = createToken({ name: 'admin', role: 'admin' })
    writeFileSync(join(folder, serviceTokenFile), service.token, { mode: 0o600 })
    writeFileSync(join(folder, adminTokenFile), admin.token, { mode: 0o600 })
    writeFileSync(join(folder, tokensFile), JSON.stringify({ tokens: [service.entry, admin.entry] }), { mode: 0o600 })
  }
  return `CASCATA_TOKEN=${readFileSync(join(folder, adminTokenFile), 'utf8')}`
}
