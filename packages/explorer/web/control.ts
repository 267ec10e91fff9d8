// Does things to a testnet, over its control API, and brings onto the time axis what was done to it, from here or from the shell.
import { faultWords, markOf, type DoneFault, type Fault } from '../src/view/faults.ts'
import type { State } from '../src/view/state.ts'

const EVERY_MS = 1_000

export interface ControlPlace {
  readonly url: string
  readonly token: string
}

export interface Control {
  order(wanted: Fault): Promise<void>
  stop(): void
}

interface NetAnswer {
  readonly done?: readonly DoneFault[]
  readonly detail?: string
}

export function createControl({ url, token }: ControlPlace, state: State): Control {
  let done: readonly DoneFault[] = []
  let drawn = ''
  let timer: ReturnType<typeof setTimeout> | undefined
  let isOver = false

  async function call(body?: Fault): Promise<void> {
    const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }
    const answer = await fetch(url, {
      headers,
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    })
    const said = (await answer.json()) as NetAnswer
    if (!answer.ok) throw new Error(said.detail ?? `${answer.status}`)
    done = said.done ?? []
    draw()
  }

  /** Once more at each turn: an event that was made before may come after. */
  function draw(): void {
    const store = state.store.value
    if (store === undefined || isOver) return
    const marks = done.map((each) => markOf(each, (micros) => store.indexAtTime(micros) + 1))
    const key = JSON.stringify(marks)
    if (key === drawn) return
    drawn = key
    state.faults.value = marks
  }

  async function ask(): Promise<void> {
    try {
      await call()
    } catch (error) {
      // The testnet is over, and its nodes are shown as silent.
      console.info(`the testnet's control: ${String(error)}`)
    }
    if (!isOver) timer = setTimeout(() => void ask(), document.hidden ? 5 * EVERY_MS : EVERY_MS)
  }
  void ask()

  return {
    order: async (wanted) => {
      const words = faultWords(wanted)
      state.controlWord.value = `${words} …`
      try {
        await call(wanted)
        state.controlWord.value = `${words}: done`
      } catch (error) {
        state.controlWord.value = `${words}: ${(error as Error).message}`
      }
    },
    stop: () => {
      isOver = true
      clearTimeout(timer)
    },
  }
}
