/** Small pieces of the page that several panels are made of. */
import { type ComponentChildren, h as make, type VNode } from 'preact'

export type Child = ComponentChildren

/** An element or a component. This room has no types of the browser's elements, so properties are not looked at. */
export const h = make as unknown as (
  type: unknown,
  properties: object | null,
  ...children: readonly Child[]
) => VNode

/** What an event handler is told; this room knows no browser. */
export interface Told {
  readonly currentTarget: unknown
  readonly key?: string
  preventDefault(): void
}

export const valueOf = (told: Told): string => (told.currentTarget as { value: string }).value

export function button(
  label: string,
  onClick: () => void,
  more: { title?: string; pressed?: boolean; disabled?: boolean; kind?: string; id?: string } = {},
): VNode {
  return h(
    'button',
    {
      type: 'button',
      class: more.kind ?? '',
      onClick,
      title: more.title ?? label,
      'aria-label': more.title ?? label,
      ...(more.id === undefined ? {} : { id: more.id }),
      ...(more.pressed === undefined ? {} : { 'aria-pressed': more.pressed }),
      disabled: more.disabled ?? false,
    },
    label,
  )
}

/** A table with a caption for those who hear it. */
export function table(
  caption: string,
  head: readonly string[],
  rows: readonly {
    readonly key: string
    readonly cells: readonly Child[]
    readonly class?: string
    readonly onClick?: () => void
  }[],
): VNode {
  return h(
    'div',
    { class: 'scroll', tabIndex: 0, role: 'region', 'aria-label': caption },
    h(
      'table',
      null,
      h('caption', { class: 'heard' }, caption),
      h(
        'thead',
        null,
        h(
          'tr',
          null,
          head.map((each) => h('th', { scope: 'col' }, each)),
        ),
      ),
      h(
        'tbody',
        null,
        rows.map(({ key, cells, class: kind, onClick }) =>
          h(
            'tr',
            { key, class: kind ?? '', ...(onClick === undefined ? {} : { onClick }) },
            cells.map((cell) => h('td', null, cell)),
          ),
        ),
      ),
    ),
  )
}

export const empty = (words: string): VNode => h('p', { class: 'empty' }, words)

export const idLink = (id: string, short: string, follow: (id: string) => void): VNode =>
  h('button', { type: 'button', class: 'link', onClick: () => follow(id), title: id }, short)
