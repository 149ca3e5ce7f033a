import { join } from 'node:path'
import { freePort, startDetached, stop } from '@cascata/infra'
import { eventually } from './eventually.ts'
import { pythonWith } from './python.ts'
import { marks, testHome } from './test-home.ts'
import { uniqueName } from './unique-name.ts'

/** An S3 server of a test's own. */
export interface S3Server {
  readonly endpoint: string
  /** Makes an empty bucket and says where it is, as `openObjectStore` is told. */
  bucket(): Promise<string>
  stop(): Promise<void>
}

const credentials = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' }

/** Starts the S3 of moto, a server that keeps its objects in memory. Sets credentials in the environment, as a deployment does. */
export const startS3 = async (): Promise<S3Server> => {
  const python = await pythonWith('moto', ['moto[s3]==5.2.5', 'flask==3.1.3', 'flask-cors==6.0.5'])
  const port = await freePort()
  const endpoint = `http://127.0.0.1:${port}`
  const log = join(testHome(), `${uniqueName('s3')}.log`)
  const args = ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)]
  const env = { PATH: process.env['PATH'], ...marks() }
  const server = await startDetached({ file: python, args, env, cwd: testHome() }, { out: log, err: log })
  Object.assign(process.env, credentials)
  await eventually(async () => void (await fetch(`${endpoint}/moto-api/`)), { timeout: 60_000 })
  return {
    endpoint,
    async bucket() {
      const name = uniqueName('bucket').replaceAll('_', '-')
      const authorization =
        'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=none'
      const made = await fetch(`${endpoint}/${name}`, { method: 'PUT', headers: { authorization } })
      if (!made.ok) throw new Error(`The bucket was not made: ${await made.text()}`)
      return `s3://${name}/some/where?endpoint=${endpoint}&region=us-east-1`
    },
    stop: () => stop(server, { patienceMs: 0 }),
  }
}
