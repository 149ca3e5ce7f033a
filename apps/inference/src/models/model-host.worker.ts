import type ort from 'onnxruntime-node'
import { encodeModel, node, UnsafeModel, valueInfo } from '@cascata/onnx'
import { readRequest } from '../protocol/binary.ts'
import { InvalidRequest } from '../protocol/invalid-request.ts'
import { type HostCommand, type HostReply } from './host-messages.ts'
import { ModelRefused } from './model-refused.ts'
import { createSession, runSession } from './onnx-tensors.ts'
import { firstLine, readVerified, tryModel } from './try-model.ts'

/** ONNX Runtime starts with its first session: that must not count as the load time of the first model. */
const started = createSession(
  encodeModel({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    graph: {
      name: 'nothing',
      node: [node('Identity', ['x'], ['y'])],
      input: [valueInfo('x', 1, [null])],
      output: [valueInfo('y', 1, [null])],
    },
  }),
).then((session) => session.release())

const sessions = new Map<string, ort.InferenceSession>()

async function execute(command: HostCommand): Promise<unknown> {
  await started
  switch (command.do) {
    case 'try':
      return tryModel(command.file, command.options)
    case 'load':
      if (!sessions.has(command.key)) sessions.set(command.key, await createSession(await readVerified(command.file)))
      return undefined
    case 'run':
      return runSession(sessions.get(command.key)!, command.tensors)
    case 'unload':
      await sessions.get(command.key)?.release()
      sessions.delete(command.key)
      return undefined
    case 'parse':
      return readRequest(command.body, command.headerLength, command.limits, command.inputs)
  }
}

function failure(error: unknown): Extract<HostReply, { error: unknown }>['error'] {
  if (error instanceof UnsafeModel)
    return { code: 'INF_MODEL_UNSAFE', message: error.message, details: { reason: error.code, ...error.details } }
  if (error instanceof InvalidRequest || error instanceof ModelRefused)
    return { code: error.code, message: error.message, details: error.details }
  return { message: firstLine(error) }
}

const reply = (message: HostReply) => process.send!(message)

process.on('message', ({ id, command }: { id: number; command: HostCommand }) => {
  execute(command).then(
    (value) => reply({ id, value }),
    (error: unknown) => reply({ id, error: failure(error) }),
  )
})
process.on('disconnect', () => process.exit(0))
// A signal to the whole group is the service's to answer: it still needs this process for what is under way.
process.on('SIGTERM', () => undefined)
process.on('SIGINT', () => undefined)
