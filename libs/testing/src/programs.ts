import { installPackages, which } from '@cascata/infra'

/** Brings a program that a test needs from the distribution, where it is missing; its package has its name. Throws where nothing can be installed. */
export const needProgram = async (name: string): Promise<void> => {
  if (!which(name)) await installPackages(name, [[name]], (line) => process.stdout.write(`${line}\n`))
}
