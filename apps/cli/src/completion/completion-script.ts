import { type CommandWords } from './command-words.ts'

/** Arguments that are one of a few words. */
const argumentsOf: Readonly<Record<string, readonly string[]>> = {
  get: ['views', 'models', 'versions', 'all', 'view', 'model'],
  delete: ['view', 'model'],
  completion: ['bash', 'zsh'],
  config: ['registry', 'feature-store', 'dispatcher', 'deployer', 'inference', 'monitor'],
  logs: ['registry', 'feature-store', 'dispatcher', 'deployer', 'inference', 'monitor', 'kafka', 'postgres', 'redis'],
}

interface Case {
  path: string
  words: string[]
}

const casesOf = (command: CommandWords, path: readonly string[] = []): Case[] => [
  {
    path: path.join(' '),
    words: [...command.commands.map(({ name }) => name), ...(argumentsOf[path.join(' ')] ?? []), ...command.options],
  },
  ...command.commands.flatMap((each) => casesOf(each, [...path, each.name])),
]

const choicesOf = (command: CommandWords): (readonly [string, readonly string[]])[] => [
  ...command.choices,
  ...command.commands.flatMap(choicesOf),
]

const groupsOf = (command: CommandWords): string[] =>
  command.commands.filter(({ commands }) => commands.length > 0).map(({ name }) => name)

/** Sets `offered` to what can follow `path`, the commands typed so far. The same function serves both shells. */
function wordsFunction(root: CommandWords): string {
  const cases = casesOf(root).map(({ path, words }) => `    '${path}') offered='${words.join(' ')}' ;;`)
  const global = root.options.join(' ')
  return `_cascata_words() {
  case "$1" in
${cases.join('\n')}
    *) offered='--help' ;;
  esac
  [ -n "$1" ] && offered="$offered ${global}"
  return 0
}`
}

function choiceFunction(root: CommandWords): string {
  const cases = choicesOf(root).map(([option, words]) => `    ${option}) offered='${words.join(' ')}' ;;`)
  return `_cascata_choices() {
  case "$1" in
${cases.join('\n')}
    *) return 1 ;;
  esac
}`
}

const pathFunction = (root: CommandWords): string => `_cascata_path() {
  path=''
  for word in "$@"; do
    case "$word" in
      -*) ;;
      *)
        case "$path" in
          '') path="$word" ;;
          ${groupsOf(root).join('|')}) path="$path $word" ;;
        esac ;;
    esac
  done
}`

const files = '-f|--file|-o|--output'

const bash = (root: CommandWords): string => `# bash completion for cascata
${wordsFunction(root)}
${choiceFunction(root)}
${pathFunction(root)}
_cascata() {
  local offered path word
  local now="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}"
  case "$before" in
    ${files})
      if ! { [ "$before" = --output ] || [ "$before" = -o ]; } || [ "\${COMP_WORDS[1]}" != get ]; then
        COMPREPLY=($(compgen -f -- "$now")); return
      fi
      before=--output ;;
  esac
  if ! _cascata_choices "$before"; then
    _cascata_path "\${COMP_WORDS[@]:1:COMP_CWORD-1}"
    _cascata_words "$path"
  fi
  COMPREPLY=($(compgen -W "$offered" -- "$now"))
}
complete -o default -F _cascata cascata ./cascata
`

const zsh = (root: CommandWords): string => `#compdef cascata
# zsh completion for cascata
${wordsFunction(root)}
${choiceFunction(root)}
${pathFunction(root)}
_cascata() {
  local offered path word now before
  local -a typed
  typed=("\${words[@]}")
  now="\${typed[CURRENT]}" before="\${typed[CURRENT-1]}"
  case "$before" in
    ${files})
      if [[ "$before" != (-o|--output) || "\${typed[2]}" != get ]]; then
        _files; return
      fi
      before=--output ;;
  esac
  if ! _cascata_choices "$before"; then
    _cascata_path "\${(@)typed[2,CURRENT-1]}"
    _cascata_words "$path"
  fi
  compadd -- \${=offered}
}
if [ "$funcstack[1]" = _cascata ]; then _cascata "$@"; else compdef _cascata cascata ./cascata; fi
`

/** A completion script of a command tree. It knows the words of the commands, not the names of resources. */
export const completionScript = (shell: 'bash' | 'zsh', root: CommandWords): string => (shell === 'bash' ? bash(root) : zsh(root))
