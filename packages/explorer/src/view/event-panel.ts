/** One event: what it is, where it stands, and why. */
import type { GraphStore } from '../model/store.ts'
import { clock, grouped, shortId } from './format.ts'
import { h, empty, idLink, type Tree } from './parts.ts'
import { type Actions, type Selected, type State, watch } from './state.ts'

const FAMES = {
  none: '',
  famous: 'a famous witness, judge of its round',
  'not-famous': 'a witness that is no judge',
  undecided: 'a witness whose fame is undecided',
} as const

function standing(store: GraphStore, index: number, shown: number): string {
  const state = store.stateOf(index, shown)
  if (state === 'stale') return 'stale: ancient without having been ordered'
  if (index >= store.checked()) return 'not checked yet'
  if (state === 'undecided') return 'not ordered yet'
  const place = grouped(store.orderOf(index) + 1)
  return `ordered as event ${place} in round ${store.receivedOf(index)}, consensus time ${clock(store.consensusTimeOf(index))}`
}

const row = (name: string, value: unknown): Tree =>
  h('div', { class: 'fact' }, h('dt', null, name), h('dd', null, value as Tree))

/** The engine's words, indented as it says them, with what decides made plain. */
function whyLines(why: string): Tree[] {
  return why.split('\n').map((line) => {
    const depth = line.length - line.trimStart().length
    const kind = line.includes('this decides') ? ' decides' : depth === 0 ? ' heading' : ''
    return h('li', { class: `depth-${Math.min(4, depth)}${kind}` }, line.trim())
  })
}

function transactions(event: Selected): Tree {
  return h(
    'ol',
    { class: 'transactions' },
    event.transactions
      .slice(0, 50)
      .map(({ text, hex, bytes, sealed }) =>
        h(
          'li',
          null,
          h('code', null, (text ?? hex).slice(0, 240)),
          h(
            'span',
            { class: 'quiet' },
            ` ${grouped(bytes)} B${sealed ? ', sealed' : ''}${text === null ? ', hexadecimal' : ''}`,
          ),
        ),
      ),
  )
}

export function EventPanel({ state, actions }: { state: State; actions: Actions }): Tree {
  const event = state.selected.value
  const store = state.store.value
  if (store === undefined || event === undefined)
    return h(
      'section',
      { 'aria-label': 'Event' },
      empty(
        'Point at an event of the map to see what it has heard of; click it, or move with the arrow keys, to see why it stands where it stands.',
      ),
    )
  watch(state)
  const { index } = event
  const fame = FAMES[store.fameOf(index, state.shown.value)]
  return h(
    'section',
    { 'aria-label': 'Event', id: 'event' },
    h('h2', null, `${event.creator}${event.sequence > 0 ? `’s event ${event.sequence}` : ''}`),
    h(
      'dl',
      null,
      row('id', h('code', { class: 'whole' }, event.id)),
      row('stands', standing(store, index, state.shown.value)),
      row('round', `${store.roundOf(index) || 'none yet'}${fame === '' ? '' : ` · ${fame}`}`),
      row('signature', event.signature === 'good' ? '✓ checked here' : 'not signed, or not a real signature'),
      row('made', `${clock(event.timestamp)} by its creator’s clock, birth round ${event.birthRound}`),
      row(
        'self-parent',
        event.selfParent === null
          ? 'none'
          : idLink(event.selfParent, shortId(event.selfParent), actions.selectId),
      ),
      row(
        'other-parents',
        event.otherParents.length === 0
          ? 'none'
          : event.otherParents.map(({ id, creator }) =>
              h('span', { class: 'parent' }, `${creator} `, idLink(id, shortId(id), actions.selectId)),
            ),
      ),
      row('size', `${grouped(event.sizeBytes)} B`),
    ),
    event.transactions.length === 0
      ? null
      : [
          h(
            'h3',
            null,
            `${event.transactions.length} transaction${event.transactions.length === 1 ? '' : 's'}`,
          ),
          transactions(event),
        ],
    h('h3', null, 'Why'),
    event.why === null && index >= store.checked()
      ? empty('It is not checked yet: its place and the reasons come with the check.')
      : event.why === null
        ? empty('It lies back further than the reasons are kept in this page: hearsay explain says them.')
        : h('ol', { class: 'why' }, whyLines(event.why)),
  )
}
