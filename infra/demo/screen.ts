/** What the person who watches sees: lines of what happened, and in a terminal one line below them that says where it is. */
export interface Screen {
  /** A line that stays. */
  line(text?: string): void
  /** A heading: a new part of the story. */
  chapter(text: string): void
  /** Where it is now; in a terminal it replaces the last one, elsewhere it is printed at most every ten seconds. */
  now(text: string): void
  /** Removes the line of `now`. */
  done(): void
}

const clear = '\r\u001b[2K'
const bold = (text: string, terminal: boolean) => (terminal ? `\u001b[1m${text}\u001b[0m` : text)

export function openScreen(out: NodeJS.WriteStream): Screen {
  const terminal = out.isTTY === true
  const began = performance.now()
  let status = ''
  let printed = 0

  const clock = () => {
    const seconds = Math.floor((performance.now() - began) / 1000)
    return `${String(Math.floor(seconds / 60)).padStart(2)}:${String(seconds % 60).padStart(2, '0')}`
  }
  const write = (text: string) => {
    out.write(terminal ? `${clear}${text}\n` : `${text}\n`)
    if (terminal && status) out.write(status)
  }

  return {
    line: (text = '') => write(text === '' ? '' : `${clock()}  ${text}`),
    chapter: (text) => write(`\n${bold(text, terminal)}`),
    now(text) {
      if (terminal) {
        status = `${clock()}  ${text}`.slice(0, (out.columns ?? 100) - 1)
        out.write(clear + status)
      } else if (performance.now() - printed > 10_000) {
        printed = performance.now()
        out.write(`${clock()}  ${text}\n`)
      }
    },
    done() {
      if (terminal && status) out.write(clear)
      status = ''
    },
  }
}
