import { fastify } from 'fastify'

/** The floor of HTTP: a bare Fastify that parses a body and sends as many bytes as it is told in `x-bytes`. */
const answers = new Map<string, string>()
const server = fastify()
server.post('/echo', (request, reply) => {
  const wanted = String(request.headers['x-bytes'])
  let answer = answers.get(wanted)
  if (answer === undefined) answers.set(wanted, (answer = 'x'.repeat(Number(wanted))))
  return reply.header('content-type', 'application/json; charset=utf-8').send(answer)
})
process.send!(await server.listen({ host: '127.0.0.1', port: 0 }))
