/** The panels that are tables: log, nodes, links, evidence, and the table in place of the map. */
import { clock, figure, grouped, shortId } from './format.ts'
import { h, button, empty, table, type Told, type Tree } from './parts.ts'
import { type Actions, type Liveness, type NodeRow, type ProofState, type State, watch } from './state.ts'

interface Props {
  readonly state: State
  readonly actions: Actions
}

const TICKS: Readonly<Record<ProofState | 'none', readonly [string, string]>> = {
  proved: ['✓', 'proved: signed by members of more than two thirds of the weight, checked here'],
  'not-yet': ['·', 'no certificate covers it yet'],
  asked: ['…', 'its proof is being checked'],
  wrong: ['✗', 'what the node gives proves nothing'],
  none: ['', 'not asked for'],
}

export function LogPanel({ state, actions }: Props): Tree {
  watch(state)
  const proofs = state.proofs.value
  const total = state.store.value?.transactions() ?? 0
  const first = state.log.value[0]?.position ?? 0
  const rows = state.log.value.map((entry) => {
    const proof = proofs.get(entry.position) ?? 'none'
    const [tick, words] = TICKS[proof]
    return {
      key: `${entry.position}`,
      class: entry.index === state.selectedIndex.value ? 'chosen' : '',
      onClick: () => actions.select(entry.index),
      cells: [
        h(
          'span',
          {
            class: `tick ${proof}`,
            title: words,
            role: 'img',
            'aria-label': words,
            'data-position': entry.position,
          },
          tick,
        ),
        h(
          'button',
          { type: 'button', class: 'link', onClick: () => actions.select(entry.index) },
          `#${entry.position}`,
        ),
        `${entry.round}`,
        clock(entry.time),
        entry.creator,
        h('code', null, entry.text),
      ],
    }
  })
  return h(
    'section',
    { 'aria-label': 'Ordered log', id: 'log' },
    h(
      'form',
      {
        class: 'line',
        onSubmit: (told: Told) => {
          told.preventDefault()
          actions.search(
            (
              told.currentTarget as { elements: { namedItem(name: string): { value: string } } }
            ).elements.namedItem('find').value,
          )
        },
      },
      h('input', {
        name: 'find',
        type: 'search',
        placeholder: 'position, round:N, time 14:03:20 or id',
        'aria-label': 'Find in the log',
      }),
      h('button', { type: 'submit' }, 'Find'),
    ),
    h(
      'div',
      { class: 'line' },
      button('|◀', () => actions.logTo(0), { title: 'First transactions' }),
      button('◀', () => actions.logTo(Math.max(0, first - 50)), { title: 'Earlier transactions' }),
      button('▶', () => actions.logTo(first + 50), { title: 'Later transactions' }),
      button('Follow', () => actions.logTo(-1), { pressed: state.logFrom.value === -1 }),
      h('span', { class: 'quiet' }, `${grouped(total)} ordered`),
    ),
    rows.length === 0
      ? empty('Nothing is ordered yet. Submit something, and watch it on its way.')
      : table(
          'Ordered transactions, as derived here',
          ['proof', 'place', 'round', 'consensus time', 'by', 'transaction'],
          rows,
        ),
    h(
      'p',
      { class: 'quiet' },
      '✓ its proof was checked here: signed by members of more than two thirds of the weight.',
    ),
  )
}

const STANDINGS = {
  agrees: '✓ agrees',
  ahead: '… not compared yet',
  differs: '✗ differs',
  silent: '– silent',
} as const

export function NodesPanel({ state }: Props): Tree {
  const most = Math.max(0, ...state.nodes.value.map(({ round }) => round))
  const cells = (node: NodeRow) => [
    node.url === '' ? node.name : h('a', { href: `${node.url}/explorer/` }, node.name),
    h('span', { class: `standing ${node.standing}` }, STANDINGS[node.standing]),
    node.answers ? node.state : 'does not answer',
    `${node.round}`,
    `${most - node.round}`,
    figure(node.roundTripMs, ' ms'),
    grouped(node.transactions),
    figure(node.finalityP50Ms, ' ms'),
    figure(node.finalityP99Ms, ' ms'),
    node.memoryMiB === null ? '–' : `${Math.round(node.memoryMiB)} MiB`,
    h('code', null, shortId(node.ledgerHash)),
    node.version,
  ]
  return h(
    'section',
    { 'aria-label': 'Nodes', id: 'nodes' },
    state.nodes.value.length === 0
      ? empty('There are no nodes behind a file.')
      : table(
          'Nodes and what they say',
          [
            'node',
            'ledger',
            'state',
            'round',
            'behind',
            'answers in',
            'transactions',
            'p50',
            'p99',
            'memory',
            'ledger hash',
            'version',
          ],
          state.nodes.value.map((node) => ({ key: node.name, cells: cells(node), class: node.standing })),
        ),
    state.nodes.value.flatMap(({ name, reason }) =>
      reason === null ? [] : [h('p', { class: 'quiet' }, `${name}: ${reason}`)],
    ),
  )
}

const LIVENESS_MARKS: Readonly<Record<Liveness, string>> = {
  up: '●',
  suspected: '◐',
  down: '○',
  unknown: '○',
}

export function LinksPanel({ state }: Props): Tree {
  const links = state.links.value
  const names = [...new Set(links.flatMap(({ from, to }) => [from, to]))].sort()
  const cell = (from: string, to: string): Tree | string => {
    if (from === to) return ''
    const link = links.find((each) => each.from === from && each.to === to)
    if (link === undefined) return '·'
    const words = link.roundTripMs === null ? '' : figure(link.roundTripMs)
    return h(
      'span',
      {
        class: `liveness ${link.state}`,
        title: `${link.state}${link.silentMs === null ? '' : `, heard ${Math.round(link.silentMs)} ms ago`}`,
      },
      `${LIVENESS_MARKS[link.state]} ${words}`,
    )
  }
  return h(
    'section',
    { 'aria-label': 'Links', id: 'links' },
    links.length === 0
      ? empty('Nobody has told of links.')
      : table(
          'Links: who sees whom, round trip in ms',
          ['sees', ...names],
          names.map((from) => ({ key: from, cells: [from, ...names.map((to) => cell(from, to))] })),
        ),
    h(
      'p',
      { class: 'quiet' },
      '● up  ◐ suspected  ○ down or unknown; figures are round trips in milliseconds',
    ),
  )
}

export function EvidencePanel({ state, actions }: Props): Tree {
  watch(state)
  const store = state.store.value
  const proofs = store?.evidence() ?? []
  const refusals = store?.refusals() ?? []
  return h(
    'section',
    { 'aria-label': 'Evidence', id: 'evidence' },
    proofs.length === 0 && refusals.length === 0 && state.lies.value.length === 0
      ? empty('Nobody is known to have lied or branched.')
      : null,
    state.lies.value.map((lie) =>
      h(
        'article',
        { class: 'lie' },
        h('h3', null, lie.what),
        h('p', null, `It says: ${lie.says}.`),
        h('p', null, `Derived here: ${lie.derived}.`),
      ),
    ),
    proofs.map((each) => {
      const name = store!.members[each.member]!.name
      return h(
        'details',
        { class: 'proof', open: proofs.length === 1 },
        h('summary', null, `${name} branched at its event ${each.sequence}: two signed events, one number`),
        h(
          'p',
          null,
          each.verified
            ? '✓ Both signatures were checked here: this proves it to anybody.'
            : '✗ The proof does not hold.',
        ),
        button('Show on the map', () => actions.select(each.at)),
        h('h4', null, `first ${shortId(each.firstId)}`),
        h('code', { class: 'whole' }, each.first),
        h('h4', null, `second ${shortId(each.secondId)}`),
        h('code', { class: 'whole' }, each.second),
      )
    }),
    refusals.map((each) =>
      h(
        'details',
        { class: 'proof' },
        h(
          'summary',
          null,
          `refused from ${each.source}: ${each.reason}${each.creator === '' ? '' : `, as ${each.creator}’s event ${each.sequence}`}`,
        ),
        h('code', { class: 'whole' }, each.hex),
      ),
    ),
  )
}

const TABLE_ROWS = 60

/** The newest events in words: what the map shows, for those who do not see it. */
export function TablePanel({ state, actions }: Props): Tree {
  watch(state)
  const store = state.store.value
  const shown = state.shown.value
  if (store === undefined) return empty('Nothing is there yet.')
  const rows = []
  for (let index = shown - 1; index >= Math.max(0, shown - TABLE_ROWS); index--) {
    const lane = store.lanes()[store.laneOf(index)]!
    const member = store.members[lane.member]!.name
    const fame = store.fameOf(index, shown)
    rows.push({
      key: `${index}`,
      onClick: () => actions.select(index),
      cells: [
        h('button', { type: 'button', class: 'link', onClick: () => actions.select(index) }, `${index}`),
        `${member}${lane.branch > 0 ? ` (branch ${lane.branch})` : ''}`,
        `${store.roundOf(index) || '–'}`,
        fame === 'none'
          ? ''
          : fame === 'famous'
            ? 'famous witness'
            : fame === 'undecided'
              ? 'witness, undecided'
              : 'witness, not famous',
        store.stateOf(index, shown),
        `${store.transactionsOf(index)}`,
        clock(store.timeOf(index)),
      ],
    })
  }
  return h(
    'section',
    { 'aria-label': 'Events as a table', id: 'table' },
    table('The newest events', ['event', 'by', 'round', 'witness', 'state', 'transactions', 'made'], rows),
  )
}
