/** A route as an app's own `/openapi.json` has it. */
interface Operation {
  method: string
  path: string
}

/** An answer that no caller may get, however bad the request. */
export interface Fault {
  request: string
  answer: string
}

interface OpenApi {
  paths: Record<string, Record<string, unknown>>
}

const methods = new Set(['get', 'put', 'post', 'patch', 'delete'])
const deep = '['.repeat(100_000)
const json = 'application/json'

/** Bodies that are wrong for whatever a route expects: what it is, its content type, its text. */
const bodies: readonly [string, string, string][] = [
  ['malformed JSON', json, '{"a":'],
  ['nothing', json, ''],
  ['NaN', json, '{"a":NaN}'],
  ['a list', json, '[]'],
  ['null', json, 'null'],
  ['deep nesting', json, deep],
  ['the prototype', json, '{"__proto__":{"admin":true},"constructor":{"prototype":{}}}'],
  ['a form', 'application/x-www-form-urlencoded', 'a=b'],
  ['no text', json, '\u0000\ufffd'],
  [
    'a huge number of members',
    json,
    JSON.stringify(Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`k${at}`, 1]))),
  ],
  [
    'wrong types everywhere',
    json,
    '{"name":{},"model":[],"entities":"x","features":7,"ids":{},"inputs":"x","key":[[]],"from":-1}',
  ],
]

/** Names that are no names: paths, other encodings, prototypes, books. */
const names = ['..%2f..%2fetc%2fpasswd', '%00', '__proto__', '%ff', 'x'.repeat(900), '%27%20or%201=1--', '-1', '1e999']

const operationsOf = ({ paths }: OpenApi): Operation[] =>
  Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(item)
      .filter((method) => methods.has(method))
      .map((method) => ({ method: method.toUpperCase(), path })),
  )

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** What is wrong with an answer to a bad request: a fault of the service, or an error without a code that a caller can read. */
function wrongWith(status: number, text: string): string | undefined {
  if (status >= 500 && status !== 501 && status !== 503) return 'a fault of the service'
  if (/\bat \S+ \(|node_modules|\/dist\/apps\//.test(text)) return 'a trace of the code'
  if (status < 400 || isJson(text)) return undefined
  return 'an error that is no JSON'
}

/**
 * Sends every route of an app what nobody should send: each bad body, each bad name in its path and its query.
 * It names nothing that exists, so nothing may come of it.
 *
 * @returns The answers that no caller may get.
 */
export async function harass(url: string): Promise<{ requests: number; faults: Fault[] }> {
  const operations = operationsOf((await (await fetch(`${url}/openapi.json`)).json()) as OpenApi)
  const faults: Fault[] = []
  let requests = 0
  const send = async (method: string, path: string, said: string, init: RequestInit): Promise<void> => {
    requests++
    const request = `${method} ${path.slice(0, 120)} (${said})`
    try {
      const answer = await fetch(url + path, { method, signal: AbortSignal.timeout(30_000), ...init })
      const text = await answer.text()
      const wrong = wrongWith(answer.status, text)
      if (wrong) faults.push({ request, answer: `${wrong}: ${answer.status} ${text.slice(0, 300)}` })
    } catch (error) {
      faults.push({ request, answer: (error as Error).message })
    }
  }
  for (const { method, path } of operations) {
    const filled = (name: string) => path.replaceAll(/\{[^}]+\}|\*/g, name)
    for (const name of path.includes('{') ? names : []) await send(method, filled(name), 'a bad name', {})
    if (method === 'GET')
      await send(method, `${filled('nobody')}?from=x&to=&limit=1e99&state[]=1&model=%00&page_token=%ff`, 'a bad query', {})
    else
      for (const [said, type, body] of bodies)
        await send(method, filled('nobody'), said, { headers: { 'content-type': type }, body })
  }
  return { requests, faults }
}
