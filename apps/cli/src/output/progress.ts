import { type Context } from '../context.ts'
import { showShare } from './words.ts'

/** Shows how far something is: a bar that stays in its line on a terminal, a line now and then elsewhere, nothing with `--json`. */
export interface Progress {
  /** @param note What else there is to say, such as a rate. */
  show(label: string, done: number, total: number, note?: string): void
  end(): void
}

const cells = 30
const lineEvery = 2_000

export function progressOf({ shell, json }: Context, now: () => number = Date.now): Progress {
  if (json) return { show: () => {}, end: () => {} }
  let said = { label: '', at: Number.NEGATIVE_INFINITY }
  let isOpen = false
  return {
    show(label, done, total, note = '') {
      const share = total > 0 ? Math.min(1, done / total) : 1
      const words = `${label} ${showShare(Math.floor(share * 100) / 100)}${note === '' ? '' : `, ${note}`}`
      if (shell.width !== undefined) {
        const filled = Math.round(share * cells)
        const bar = `${'█'.repeat(filled)}${'░'.repeat(cells - filled)} ${words}`
        shell.err(`\r\u001b[K${bar.slice(0, shell.width - 1)}`)
        isOpen = true
        return
      }
      if (share < 1 && label === said.label && now() - said.at < lineEvery) return
      said = { label, at: now() }
      shell.err(`${words}\n`)
    },
    end() {
      if (isOpen) shell.err('\r\u001b[K')
      isOpen = false
    },
  }
}
