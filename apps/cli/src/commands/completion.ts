import { type Command } from 'commander'
import { completionScript } from '../completion/completion-script.ts'
import { type CommandWords } from '../completion/command-words.ts'
import { exitCodes, wrongUsage } from '../errors.ts'
import { type Shell } from '../shell.ts'
import { examples, type Registry } from './register.ts'

const optionsOf = (command: Command): string[] => [...command.options.flatMap(({ long }) => (long ? [long] : [])), '--help']

/** The words of a command and of those below it. */
export const wordsOf = (command: Command): CommandWords => ({
  name: command.name(),
  about: command.description(),
  options: optionsOf(command),
  choices: command.options.flatMap(({ long, argChoices }) => (long && argChoices ? [[long, argChoices] as const] : [])),
  commands: command.commands.filter((each) => each.name() !== 'help').map(wordsOf),
})

export function registerCompletion({ program, action }: Registry, _shell: Shell): void {
  program
    .command('completion')
    .description('completion for bash or zsh, to be evaluated by the shell')
    .argument('<shell>', 'bash or zsh')
    .addHelpText(
      'after',
      `${examples('completion bash')}\n\nIn ~/.bashrc:  source <(cascata completion bash)\nIn ~/.zshrc:   source <(cascata completion zsh)`,
    )
    .action(
      action(async (context, _options, name) => {
        if (name !== 'bash' && name !== 'zsh') throw wrongUsage(`there is no completion for ${name}`, 'shells: bash, zsh')
        context.shell.out(completionScript(name, wordsOf(program)))
        return exitCodes.done
      }),
    )
}
