/** What can be completed at a command. */
export interface CommandWords {
  name: string
  about: string
  options: readonly string[]
  /** Options that take one of a few words. */
  choices: readonly (readonly [option: string, words: readonly string[]])[]
  commands: readonly CommandWords[]
}
