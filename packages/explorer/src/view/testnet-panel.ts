/** What can be done to a testnet from the page, and the box to submit something. */
import { h, button, type Told, type Tree } from './parts.ts'
import type { Actions, State } from './state.ts'

interface Form {
  readonly elements: { namedItem(name: string): { value: string; checked?: boolean } }
}
const formOf = (told: Told): Form => told.currentTarget as Form

export function SubmitBox({ state, actions }: { state: State; actions: Actions }): Tree {
  return h(
    'form',
    {
      class: 'line submit',
      onSubmit: (told: Told) => {
        told.preventDefault()
        const field = formOf(told).elements.namedItem('text')
        if (field.value !== '') actions.submit(field.value)
        field.value = ''
      },
    },
    h('input', {
      name: 'text',
      type: 'text',
      placeholder: 'say something to everybody',
      'aria-label': 'Transaction to submit',
      autocomplete: 'off',
    }),
    h('button', { type: 'submit', class: 'primary' }, 'Submit'),
    h('output', { class: 'quiet', id: 'submitted' }, state.submitted.value),
  )
}

export function TestnetPanel({ state, actions }: { state: State; actions: Actions }): Tree {
  const names = state.nodes.value.map(({ name }) => name)
  const each = (act: 'kill' | 'start' | 'pause' | 'fork', word: string, kind = ''): Tree =>
    h(
      'div',
      { class: 'line', role: 'group', 'aria-label': word },
      h('span', { class: 'label' }, word),
      names.map((node) =>
        button(node, () => actions.fault(act === 'fork' ? { do: act, node } : { do: act, nodes: [node] }), {
          title: `${word} ${node}`,
          kind,
          id: `${act}-${node}`,
        }),
      ),
    )
  const amount = (act: 'delay' | 'drop', word: string, unit: string, usual: string): Tree =>
    h(
      'form',
      {
        class: 'line',
        onSubmit: (told: Told) => {
          told.preventDefault()
          const value = Number(formOf(told).elements.namedItem('amount').value)
          actions.fault(
            act === 'delay' ? { do: act, delayMs: value, jitterMs: 0 } : { do: act, share: value / 100 },
          )
        },
      },
      h('label', { class: 'label' }, word),
      h('input', {
        name: 'amount',
        type: 'number',
        min: 0,
        max: act === 'drop' ? 90 : 5_000,
        value: usual,
        'aria-label': `${word}, ${unit}`,
      }),
      h('span', { class: 'quiet' }, unit),
      h('button', { type: 'submit' }, 'Set'),
    )
  if (!state.hasControl.value)
    return h(
      'section',
      { 'aria-label': 'Testnet' },
      h('p', { class: 'empty' }, 'Faults can be made in a testnet only: hearsay testnet.'),
    )
  return h(
    'section',
    { 'aria-label': 'Testnet', id: 'testnet' },
    h('p', { class: 'quiet' }, 'What you do here stands on the map’s time axis.'),
    h(
      'form',
      {
        class: 'line',
        onSubmit: (told: Told) => {
          told.preventDefault()
          const form = formOf(told)
          actions.fault({
            do: 'cut',
            nodes: names.filter((name) => form.elements.namedItem(`part-${name}`).checked === true),
          })
        },
      },
      h('span', { class: 'label' }, 'Cut off'),
      names.map((name, i) =>
        h(
          'label',
          { class: 'check' },
          h('input', { type: 'checkbox', name: `part-${name}`, defaultChecked: i === names.length - 1 }),
          name,
        ),
      ),
      h('button', { type: 'submit', id: 'cut' }, 'Cut'),
      button('Heal all', () => actions.fault({ do: 'heal' }), { id: 'heal' }),
    ),
    amount('delay', 'Delay every link', 'ms', '50'),
    amount('drop', 'Lose on every link', '%', '5'),
    each('kill', 'Kill'),
    each('pause', 'Pause'),
    each('start', 'Start'),
    each('fork', 'Make branch', 'danger'),
    h('output', { class: 'quiet', id: 'control' }, state.controlWord.value),
  )
}
