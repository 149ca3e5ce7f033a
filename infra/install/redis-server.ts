import { type Say } from '../backing/service.ts'
import { installPackages, which } from './system-packages.ts'

export const redisPackages = ['redis-server', 'valkey-server', 'redis']

export const findRedis = (): string | undefined => which('redis-server') ?? which('valkey-server')

/** Path of `redis-server`, installed from the distribution when there is none. */
export const ensureRedis = async (say: Say): Promise<string> => {
  if (!findRedis()) await installPackages('Redis', [redisPackages], say)
  const program = findRedis()
  if (!program) throw new Error('Redis was installed, but `redis-server` is not on the path.')
  return program
}
