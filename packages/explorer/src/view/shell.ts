/** The whole page: what it says at the top, the map with its controls, and the panels beside it. */
import { verdict, type Standing, type Verdict } from '../verify/verdict.ts'
import { EventPanel } from './event-panel.ts'
import { clock, grouped, shortId } from './format.ts'
import { EvidencePanel, LinksPanel, LogPanel, NodesPanel, TablePanel } from './lists.ts'
import { FRAGMENT, h, button, type Told, valueOf, type Tree } from './parts.ts'
import { type Actions, type State, type Tab, watch } from './state.ts'
import { SubmitBox, TestnetPanel } from './testnet-panel.ts'

interface Props {
  readonly state: State
  readonly actions: Actions
}

const TABS: readonly (readonly [Tab, string])[] = [
  ['log', 'Log'],
  ['event', 'Event'],
  ['nodes', 'Nodes'],
  ['figures', 'Figures'],
  ['links', 'Links'],
  ['evidence', 'Evidence'],
  ['testnet', 'Testnet'],
  ['table', 'Table'],
]

function verdictOf(state: State): Verdict {
  const standings = new Map<string, Standing>(state.nodes.value.map(({ name, standing }) => [name, standing]))
  const opened = state.opened.value
  const judged = verdict(standings, state.lies.value, opened?.isSigned ?? true)
  if (!state.isFile.value || judged.state === 'differs' || opened === undefined) return judged
  if (state.share.value < 1) return { ...judged, state: 'waiting' }
  if (!opened.isSigned) return judged
  // A file has no nodes: what is shown is what follows from its signatures.
  return { ...judged, state: 'agrees' }
}

function badgeWords(state: State, judged: Verdict): readonly [string, string] {
  const nodes = state.nodes.value
  const derived = state.store.value?.decided() ?? 0
  const opened = state.opened.value
  if (state.failed.value !== '' && state.store.value === undefined) return ['✗', state.failed.value]
  if (judged.state === 'differs') {
    const liars = [...new Set(judged.lies.map(({ node }) => node))]
    return ['✗', `${liars.join(', ')} ${liars.length === 1 ? 'lies' : 'lie'}: ${judged.lies[0]!.what}`]
  }
  if (opened?.asExpected === false) return ['✗', 'the file expects another order']
  if (judged.state === 'unsigned')
    return [
      '○',
      opened?.asExpected === true
        ? 'ordered here, as the file expects; no signatures to check'
        : 'ordered here; no real signatures to check',
    ]
  if (state.isFile.value && state.share.value < 1)
    return ['…', `checking: ${Math.floor(100 * state.share.value)} % of the events so far`]
  if (state.isFile.value)
    return ['✓', `signatures checked and order derived here, ${grouped(derived)} rounds`]
  if (judged.state === 'waiting') return ['…', 'deriving the order from the signed events']
  const silent = nodes.filter(({ standing }) => standing === 'silent').length
  return [
    '✓',
    `${judged.agreeing.length} of ${nodes.length} nodes agree with the order derived here${silent === 0 ? '' : `, ${silent} silent`}`,
  ]
}

function Badge({ state }: Props): Tree {
  const judged = verdictOf(state)
  watch(state)
  const [sign, words] = badgeWords(state, judged)
  const kind = state.opened.value?.asExpected === false ? 'differs' : judged.state
  return h(
    'button',
    {
      type: 'button',
      id: 'badge',
      class: `badge ${kind}`,
      'data-state': kind,
      'data-agreeing': judged.agreeing.length,
      onClick: () => (state.tab.value = judged.state === 'differs' ? 'evidence' : 'nodes'),
      'aria-live': 'polite',
      title: 'What was derived here, compared with what the nodes say',
    },
    h('span', { class: 'sign', 'aria-hidden': 'true' }, sign),
    words,
  )
}

function Head({ state, actions }: Props): Tree {
  watch(state)
  const store = state.store.value
  const opened = state.opened.value
  const hash = store?.roundRow(store.decided())?.hash ?? ''
  return h(
    'header',
    { class: 'head' },
    h(
      'h1',
      null,
      'Hearsay',
      h(
        'span',
        { class: 'quiet' },
        ` ${opened === undefined ? '' : opened.title || shortId(opened.networkId)}`,
      ),
    ),
    h(Badge, { state, actions }),
    h(
      'p',
      {
        class: 'counts',
        id: 'counts',
        'data-events': store?.count() ?? 0,
        'data-rounds': store?.decided() ?? 0,
        'data-hash': hash,
      },
      `${grouped(store?.count() ?? 0)} events · round ${grouped(store?.decided() ?? 0)} · ${grouped(store?.transactions() ?? 0)} transactions${hash === '' ? '' : ` · ledger ${shortId(hash)}`}`,
    ),
    h(
      'div',
      { class: 'line' },
      button('Open file', actions.openFile, {
        title: 'Open an exported file; it may be dropped onto the page as well',
      }),
      button(state.isDark.value ? '☀' : '☾', actions.toggleTheme, {
        title: state.isDark.value ? 'Light' : 'Dark',
      }),
    ),
  )
}

function Transport({ state, actions }: Props): Tree {
  watch(state)
  const store = state.store.value
  const count = store?.count() ?? 0
  const shown = state.shown.value
  const play = state.play.value
  const time = store === undefined || shown === 0 ? '–' : clock(store.timeOf(shown - 1))
  return h(
    'div',
    { class: 'transport', role: 'group', 'aria-label': 'Playback' },
    button('|◀', () => actions.seek(1), { title: 'To the beginning' }),
    button('◀', () => actions.step(-1), { title: 'One event back' }),
    play === 'playing'
      ? button('⏸', actions.pause, { title: 'Pause', id: 'pause' })
      : button('▶', actions.play, { title: 'Play', id: 'play' }),
    button('▶▏', () => actions.step(1), { title: 'One event on' }),
    button('● Live', actions.live, { title: 'Follow what comes', pressed: play === 'live', id: 'live' }),
    h('input', {
      type: 'range',
      min: 0,
      max: count,
      value: shown,
      id: 'scrub',
      'aria-label': 'Events shown',
      onInput: (told: Told) => actions.seek(Number(valueOf(told))),
    }),
    h('span', { class: 'clock' }, `${grouped(shown)} · ${time}`),
    h(
      'select',
      { 'aria-label': 'Speed', onChange: (told: Told) => (state.speed.value = Number(valueOf(told))) },
      [5, 20, 100, 500, 2_500].map((speed) =>
        h('option', { value: speed, selected: speed === state.speed.value }, `${speed}/s`),
      ),
    ),
    h(
      'form',
      {
        class: 'line',
        onSubmit: (told: Told) => {
          told.preventDefault()
          actions.jump(
            (
              told.currentTarget as { elements: { namedItem(name: string): { value: string } } }
            ).elements.namedItem('to').value,
          )
        },
      },
      h('input', {
        name: 'to',
        type: 'search',
        size: 12,
        placeholder: 'round 12, #97, id',
        'aria-label': 'Jump to a round, a transaction or an id',
        id: 'jump',
      }),
    ),
    button('−', () => actions.zoom(1 / 1.5), { title: 'Smaller' }),
    button('+', () => actions.zoom(1.5), { title: 'Larger' }),
    button('⤢', actions.fit, { title: 'All of it' }),
  )
}

function Violation({ state }: Props): Tree | null {
  const violation = state.opened.value?.violation
  if (violation === undefined || violation === null) return null
  return h(
    'div',
    { class: 'violation', role: 'alert', id: 'violation', 'data-at': violation.at },
    h('strong', null, `${violation.invariant} is broken at event ${grouped(violation.at)}: `),
    violation.message,
  )
}

function Legend(): Tree {
  const items = [
    ['pending', 'not ordered'],
    ['ordered', 'ordered'],
    ['famous', 'judge'],
    ['open', 'witness, undecided'],
    ['not-famous', 'witness, no judge'],
    ['stale', 'stale'],
    ['branch', 'branch'],
  ] as const
  return h(
    'ul',
    { class: 'legend', 'aria-label': 'Legend' },
    items.map(([kind, words]) => h('li', null, h('i', { class: kind }), words)),
  )
}

function Panel({ state, actions }: Props): Tree {
  switch (state.tab.value) {
    case 'event':
      return h(EventPanel, { state, actions })
    case 'log':
      return h(LogPanel, { state, actions })
    case 'nodes':
      return h(NodesPanel, { state, actions })
    case 'links':
      return h(LinksPanel, { state, actions })
    case 'evidence':
      return h(EvidencePanel, { state, actions })
    case 'testnet':
      return h(TestnetPanel, { state, actions })
    case 'table':
      return h(TablePanel, { state, actions })
    case 'figures':
      return h('section', { 'aria-label': 'Figures', id: 'figures', ref: actions.mountCharts })
  }
}

export function Shell({ state, actions }: Props): Tree {
  const evidence = (state.store.value?.evidence().length ?? 0) + state.lies.value.length
  watch(state)
  return h(
    FRAGMENT,
    null,
    h(Head, { state, actions }),
    state.failed.value === ''
      ? null
      : h('div', { class: 'violation', role: 'alert', id: 'failed' }, state.failed.value),
    h(Violation, { state, actions }),
    h(
      'main',
      null,
      h(
        'section',
        { class: 'map', 'aria-label': 'Event map' },
        h(Transport, { state, actions }),
        h('div', { class: 'canvases', id: 'map', ref: actions.mountMap }),
        h(Legend, null),
        state.loading.value === '' ? null : h('p', { class: 'loading', role: 'status' }, state.loading.value),
      ),
      h(
        'aside',
        { 'aria-label': 'Details' },
        state.nodes.value.length === 0 ? null : h(SubmitBox, { state, actions }),
        h(
          'nav',
          { role: 'tablist', 'aria-label': 'Panels' },
          TABS.map(([tab, word]) =>
            h(
              'button',
              {
                type: 'button',
                role: 'tab',
                id: `tab-${tab}`,
                'aria-selected': state.tab.value === tab,
                'aria-controls': 'panel',
                onClick: () => (state.tab.value = tab),
              },
              word,
              tab === 'evidence' && evidence > 0 ? h('span', { class: 'count' }, evidence) : null,
            ),
          ),
        ),
        h(
          'div',
          {
            id: 'panel',
            role: 'tabpanel',
            tabIndex: 0,
            'aria-labelledby': `tab-${state.tab.value}`,
            class: 'panel',
          },
          h(Panel, { state, actions }),
        ),
      ),
    ),
  )
}
