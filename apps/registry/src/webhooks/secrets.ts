import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Database, type Log } from '@cascata/messaging'
import { secretsKeyWrong } from '../errors.ts'

/** Encrypts what the registry has to say again later, so that neither the database nor its backups show it. */
export interface Secrets {
  /** Text of base64; nothing stays nothing. `of` names what the secret belongs to: it opens there only. */
  seal(of: string, secret: string): string
  /** Throws `REG_SECRETS_KEY` for what was sealed with another key, or for something else. */
  open(of: string, sealed: string): string
}

const keyBytes = 32
const [ivBytes, tagBytes] = [12, 16]

const keyOf = (text: string, from: string): Buffer => {
  const key = Buffer.from(text.trim(), 'base64')
  if (key.length !== keyBytes) throw secretsKeyWrong({ why: `${from} is not ${keyBytes} bytes in base64` })
  return key
}

/** The key in a file that only its owner reads; made the first time, whole or not at all. */
const keyIn = async (file: string): Promise<Buffer> => {
  const made = `${file}.${randomBytes(6).toString('hex')}`
  await mkdir(dirname(file), { recursive: true })
  await writeFile(made, `${randomBytes(keyBytes).toString('base64')}\n`, { mode: 0o600, flag: 'wx' })
  await link(made, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  await rm(made)
  return keyOf(await readFile(file, 'utf8'), file)
}

/** Secrets under a key of the configuration, or else of a file: AES-256-GCM, a nonce of its own each. */
export const openSecrets = async (configured: string | null, file: string): Promise<Secrets> => {
  const key = configured === null ? await keyIn(file) : keyOf(configured, 'REGISTRY_SECRETS_KEY')
  return {
    seal: (of, secret) => {
      if (secret === '') return ''
      const iv = randomBytes(ivBytes)
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(of))
      const sealed = [cipher.update(secret, 'utf8'), cipher.final()]
      return Buffer.concat([iv, cipher.getAuthTag(), ...sealed]).toString('base64')
    },
    open: (of, sealed) => {
      if (sealed === '') return ''
      const bytes = Buffer.from(sealed, 'base64')
      const [iv, tag] = [bytes.subarray(0, ivBytes), bytes.subarray(ivBytes, ivBytes + tagBytes)]
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: tagBytes }).setAAD(Buffer.from(of))
        decipher.setAuthTag(tag)
        return decipher.update(bytes.subarray(ivBytes + tagBytes), undefined, 'utf8') + decipher.final('utf8')
      } catch {
        throw secretsKeyWrong({ why: `the secret of ${of} was sealed with another key` })
      }
    },
  }
}

/**
 * Seals what an older registry kept in the clear, and tries the key on what is sealed. A webhook whose secret does not open is
 * disabled: to start without it is better than not to start.
 */
export const sealKept = async (db: Database, secrets: Secrets, log: Log): Promise<void> => {
  const rows = await db.query<{ webhook_id: string; secret: string | null; sealed: string | null }>(
    'select webhook_id, secret, sealed from webhook where secret is not null or sealed is not null',
  )
  for (const { webhook_id, secret, sealed } of rows) {
    if (secret !== null) {
      await db.query('update webhook set sealed = $2, secret = null where webhook_id = $1 and secret is not null', [
        webhook_id,
        secrets.seal(webhook_id, secret),
      ])
    } else if (!opens(secrets, webhook_id, sealed!)) {
      log.error(
        { webhook: webhook_id },
        'the secret of a webhook was sealed with another key: it is disabled until it gets one anew',
      )
      await db.query(`update webhook set status = 'DISABLED' where webhook_id = $1`, [webhook_id])
    }
  }
}

const opens = (secrets: Secrets, of: string, sealed: string): boolean => {
  try {
    secrets.open(of, sealed)
    return true
  } catch {
    return false
  }
}
