import { type Say } from '../backing/service.ts'
import { installPackages, which } from './system-packages.ts'

/** Path of `redis-server`, installed from the distribution when there is none. */
export const ensureRedis = async (say: Say): Promise<string> => {
  const find = () => which('redis-server') ?? which('valkey-server')
  const found = find()
  if (found) return found
  await installPackages('Redis', [['redis-server', 'valkey-server', 'redis']], say)
  const program = find()
  if (!program) throw new Error('Redis was installed, but `redis-server` is not on the path.')
  return program
}
