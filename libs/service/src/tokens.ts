import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { z } from 'zod'
import { type Logger } from './logger.ts'

export const roles = ['viewer', 'trainer', 'publisher', 'deployer', 'admin'] as const
export type Role = (typeof roles)[number]

/** Whether somebody of role `has` may do what needs `needed`: everybody may view, an admin may everything, the others only their own. */
export const roleAllows = (has: Role, needed: Role): boolean => has === 'admin' || needed === 'viewer' || has === needed

const pattern = z.string().regex(/^(\*|[A-Za-z0-9][A-Za-z0-9._-]*\*?)$/, 'a name, a prefix with * at its end, or *')

const tokenEntry = z.strictObject({
  name: z.string().min(1).max(128),
  role: z.enum(roles),
  namespaces: z.array(pattern).min(1),
  resources: z.array(pattern).min(1).default(['*']),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, '64 hexadecimal digits'),
})
const tokensFile = z.strictObject({ tokens: z.array(tokenEntry).max(10_000) })

/** An entry of the tokens file. Names in `namespaces` and `resources` may end with `*`. */
export type TokenEntry = z.infer<typeof tokenEntry>

/** Who is asking. */
export interface Principal {
  name: string
  role: Role
  /** Whether the principal is let to every namespace and every resource, so that no route has to look closer. */
  unscoped: boolean
  allows(namespace: string, resource?: string): boolean
}

const matches = (patterns: string[], name: string): boolean =>
  patterns.some((pattern) => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name))

export const principalOf = ({ name, role, namespaces, resources }: Omit<TokenEntry, 'sha256'>): Principal => ({
  name,
  role,
  unscoped: namespaces.includes('*') && resources.includes('*'),
  allows: (namespace, resource) =>
    matches(namespaces, namespace) && (resource === undefined ? resources.includes('*') : matches(resources, resource)),
})

/** Everybody, where nobody has to log in: on loopback only. */
export const localPrincipal: Principal = principalOf({ name: 'local', role: 'admin', namespaces: ['*'], resources: ['*'] })

/** Somebody who did not log in, on a public route: may nothing that asks who it is. */
export const anonymousPrincipal: Principal = { name: 'anonymous', role: 'viewer', unscoped: false, allows: () => false }

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()

/** A new token and the entry to put into the tokens file. The token itself is shown once and kept nowhere. */
export const createToken = (
  entry: Pick<TokenEntry, 'name' | 'role'> & Partial<Pick<TokenEntry, 'namespaces' | 'resources'>>,
): { token: string; entry: TokenEntry } => {
  const token = `csc_${randomBytes(32).toString('base64url')}`
  return { token, entry: { namespaces: ['*'], resources: ['*'], ...entry, sha256: sha256(token).toString('hex') } }
}

/** Finds whose token it is. Every hash is compared, in constant time, whichever fits. */
export type Authenticate = (token: string) => Principal | null

export const authenticator = (entries: TokenEntry[]): Authenticate => {
  const known = entries.map((entry) => ({ hash: Buffer.from(entry.sha256, 'hex'), principal: principalOf(entry) }))
  return (token) => {
    const presented = sha256(token)
    let found: Principal | null = null
    for (const { hash, principal } of known) if (timingSafeEqual(hash, presented)) found = principal
    return found
  }
}

/** Reads a tokens file; the error names the file and every problem, never a hash. */
export const readTokens = async (file: string): Promise<TokenEntry[]> => {
  const text = await readFile(file, 'utf8')
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw new Error(`${file} is not JSON: expected {"tokens":[{"name","role","namespaces","sha256"}]}`)
  }
  return tokensOf(file, json)
}

/** The entries of a tokens file that was parsed, or is to be written. */
export const tokensOf = (file: string, json: unknown): TokenEntry[] => {
  const parsed = tokensFile.safeParse(json)
  if (!parsed.success)
    throw new Error(`${file}: ${parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}`)
  return parsed.data.tokens
}

/** Tokens of a file, read again within `everyMs` of a change; while the file is not legal, the last good ones hold. */
export const watchTokens = async (
  file: string,
  log: Logger,
  everyMs = 2_000,
): Promise<{ authenticate: Authenticate; stop(): void }> => {
  const changedAt = async () => (await stat(file)).mtimeMs
  let seen = await changedAt()
  let current = authenticator(await readTokens(file))
  const look = async () => {
    const now = await changedAt()
    if (now === seen) return
    current = authenticator(await readTokens(file))
    seen = now
    log.info({ file }, 'tokens read again')
  }
  const timer = setInterval(
    () =>
      void look().catch((error: unknown) =>
        log.error({ err: error, file }, 'the tokens file cannot be read; the last good tokens hold'),
      ),
    everyMs,
  )
  timer.unref()
  return { authenticate: (token) => current(token), stop: () => clearInterval(timer) }
}
