/** Decides what a shell offers after what has been typed: the commands under the one that is typed, and its options. */
import type { Command } from 'commander'

export const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const
export type Shell = (typeof SHELLS)[number]

interface Offer {
  /** `genesis new`; empty for the command itself. */
  readonly path: string
  readonly words: readonly string[]
}

function offersOf(command: Command, path: readonly string[] = []): readonly Offer[] {
  const options = command.options.flatMap(({ hidden, long }) =>
    hidden || long === undefined || long === null ? [] : [long],
  )
  const names = command.commands.map((each) => each.name())
  const own: Offer = { path: path.join(' '), words: [...names, ...options, '--help'] }
  return [own, ...command.commands.flatMap((each) => offersOf(each, [...path, each.name()]))]
}

const bash = (offers: readonly Offer[]): string => `_hearsay() {
  local word path="" offer=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path $word" in
${offers
  .filter(({ path }) => path !== '')
  .map(({ path }) => `      ${JSON.stringify(` ${path}`)}) path=${JSON.stringify(` ${path}`)} ;;`)
  .join('\n')}
    esac
  done
  case "$path" in
${offers.map(({ path, words }) => `    ${JSON.stringify(path === '' ? '' : ` ${path}`)}) offer=${JSON.stringify(words.join(' '))} ;;`).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$offer" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _hearsay hearsay
`

const fish = (offers: readonly Offer[]): string =>
  offers
    .flatMap(({ path, words }) => {
      const typed = path.split(' ').filter((word) => word !== '')
      const when =
        typed.length === 0
          ? '__fish_use_subcommand'
          : typed.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ')
      return words.map((word) =>
        word.startsWith('--')
          ? `complete -c hearsay -n '${when}' -l ${word.slice(2)}`
          : `complete -c hearsay -f -n '${when}' -a ${word}`,
      )
    })
    .join('\n')
    .concat('\n')

const powershell = (
  offers: readonly Offer[],
): string => `Register-ArgumentCompleter -Native -CommandName hearsay -ScriptBlock {
  param($word, $ast, $position)
  $offers = @{
${offers.map(({ path, words }) => `    '${path}' = '${words.join(' ')}'`).join('\n')}
  }
  $path = ''
  foreach ($each in $ast.CommandElements | Select-Object -Skip 1) {
    $longer = "$path $each".Trim()
    if ($offers.ContainsKey($longer)) { $path = $longer }
  }
  $offers[$path].Split(' ') | Where-Object { $_ -like "$word*" }
}
`

export function completionScript(program: Command, shell: Shell): string {
  const offers = offersOf(program)
  switch (shell) {
    case 'bash':
      return bash(offers)
    case 'zsh':
      return `autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n${bash(offers)}`
    case 'fish':
      return fish(offers)
    case 'powershell':
      return powershell(offers)
  }
}
