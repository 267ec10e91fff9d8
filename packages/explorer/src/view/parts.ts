/** Small pieces of the page that several panels are made of. */
/** What is to be seen, as plain data: an element or a component, its properties and what is in it. The browser's world makes it real. */
export interface Tree {
  readonly type: string | ((properties: never) => Child) | typeof FRAGMENT
  readonly properties: Readonly<Record<string, unknown>>
  readonly children: readonly Child[]
}

export type Child = Tree | string | number | boolean | null | undefined | readonly Child[]

/** Several things without an element around them. */
export const FRAGMENT: unique symbol = Symbol('fragment')

export const h = (type: Tree['type'], properties: object | null, ...children: readonly Child[]): Tree => ({
  type,
  properties: (properties ?? {}) as Readonly<Record<string, unknown>>,
  children,
})

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
): Tree {
  return h(
    'button',
    {
      type: 'button',
      class: more.kind ?? '',
      onClick,
      title: more.title ?? label,
      // A sign needs a name; words are their own, and whoever speaks to the page says what he reads.
      ...(/[a-z]/.test(label) ? {} : { 'aria-label': more.title ?? label }),
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
): Tree {
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

export const empty = (words: string): Tree => h('p', { class: 'empty' }, words)

export const idLink = (id: string, short: string, follow: (id: string) => void): Tree =>
  h('button', { type: 'button', class: 'link', onClick: () => follow(id), title: id }, short)
