import { request } from 'node:http'

const endpoint = (host: string): { socketPath: string } | { hostname: string; port: string } => {
  if (host.startsWith('unix://')) return { socketPath: host.slice('unix://'.length) }
  const { hostname, port } = new URL(host)
  return { hostname, port: port || '2375' }
}

/** True when a Docker engine answers at `DOCKER_HOST` or the usual socket. A client without an engine is not enough. */
export const dockerAnswers = (env: NodeJS.ProcessEnv, timeoutMs = 1_500): Promise<boolean> =>
  new Promise((resolve) => {
    const call = request(
      { ...endpoint(env['DOCKER_HOST'] || 'unix:///var/run/docker.sock'), path: '/_ping', timeout: timeoutMs },
      (answer) => {
        answer.resume()
        resolve(answer.statusCode === 200)
      },
    )
    call.on('timeout', () => call.destroy(new Error('no answer')))
    call.on('error', () => resolve(false))
    call.end()
  })
