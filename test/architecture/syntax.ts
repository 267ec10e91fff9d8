/**
 * What the rules need to know of one source file, read from its syntax tree: imports, globals, and the constructs that the
 * house does without. Nothing here knows a rule.
 */
import { parseSync, visitorKeys } from 'oxc-parser'

type Node = { readonly type: string; readonly start: number } & Readonly<Record<string, unknown>>

export interface Found {
  readonly what: string
  readonly line: number
}

export interface Syntax {
  readonly lines: number
  readonly parseErrors: readonly Found[]
  /** Specifiers; `''` for one that is computed. */
  readonly imports: readonly Found[]
  /** Names that are used as values and not declared in the file. */
  readonly globals: readonly Found[]
  /** `random` and anything else of `Math` that is not a plain `Math.name`. */
  readonly mathNames: readonly Found[]
  /** Names behind a dot or in `['…']`, and the options that a test is given. */
  readonly members: readonly Found[]
  readonly asynchronous: readonly Found[]
  readonly enums: readonly Found[]
  /** Classes with a superclass; `what` is the superclass. */
  readonly subclasses: readonly Found[]
  readonly emptyCatches: readonly Found[]
}

type Facts = { [Name in Exclude<keyof Syntax, 'lines'>]: Found[] }

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as Node).type === 'string'

function children(node: Node): Node[] {
  const found: Node[] = []
  for (const key of visitorKeys[node.type] ?? []) {
    const value = node[key]
    for (const each of Array.isArray(value) ? value : [value]) if (isNode(each)) found.push(each)
  }
  return found
}

/** Expressions of TypeScript; every other TS node is a type or a declaration without a value. */
const TYPED_EXPRESSIONS = new Set([
  'TSAsExpression',
  'TSSatisfiesExpression',
  'TSNonNullExpression',
  'TSTypeAssertion',
  'TSInstantiationExpression',
  'TSParameterProperty',
  'TSEnumDeclaration',
  'TSEnumBody',
  'TSEnumMember',
  'TSModuleDeclaration',
  'TSModuleBlock',
  'TSExportAssignment',
])
const isType = (node: Node): boolean => node.type.startsWith('TS') && !TYPED_EXPRESSIONS.has(node.type)

/** The names that a pattern binds. */
function boundNames(pattern: unknown, into: Set<string>): void {
  if (!isNode(pattern)) return
  if (pattern.type === 'Identifier') into.add(pattern['name'] as string)
  else if (pattern.type === 'Property') boundNames(pattern['value'], into)
  else if (pattern.type === 'AssignmentPattern') boundNames(pattern['left'], into)
  else if (pattern.type === 'RestElement') boundNames(pattern['argument'], into)
  else if (pattern.type === 'TSParameterProperty') boundNames(pattern['parameter'], into)
  else for (const part of [pattern['elements'], pattern['properties']].flat()) boundNames(part, into)
}

/** The names that a statement declares in the block that it stands in. */
function declaredNames(statement: unknown, into: Set<string>): void {
  if (!isNode(statement)) return
  if (statement.type === 'ImportDeclaration') {
    for (const specifier of statement['specifiers'] as Node[]) boundNames(specifier['local'], into)
  } else if (statement.type === 'VariableDeclaration') {
    for (const declarator of statement['declarations'] as Node[]) boundNames(declarator['id'], into)
  } else if (statement.type.startsWith('Export')) {
    declaredNames(statement['declaration'], into)
  } else if (/^(Function|Class|TSEnum|TSModule)Declaration$/.test(statement.type)) {
    boundNames(statement['id'], into)
  }
}

/** The names that hold inside of `node` and not outside. */
function scopeOf(node: Node): Set<string> | undefined {
  const names = new Set<string>()
  if (/Function/.test(node.type)) {
    boundNames(node['id'], names)
    for (const parameter of node['params'] as Node[]) boundNames(parameter, names)
    if (node.type !== 'ArrowFunctionExpression') names.add('arguments')
  } else if (node.type.startsWith('Class')) {
    boundNames(node['id'], names)
  } else if (node.type === 'CatchClause') {
    boundNames(node['param'], names)
  } else if (node.type.startsWith('For')) {
    declaredNames(node['init'] ?? node['left'], names)
  } else if (node.type === 'SwitchStatement') {
    for (const each of node['cases'] as Node[])
      for (const one of each['consequent'] as Node[]) declaredNames(one, names)
  } else if (/^(Program|BlockStatement|FunctionBody|StaticBlock|TSModuleBlock)$/.test(node.type)) {
    for (const statement of node['body'] as Node[]) declaredNames(statement, names)
  }
  return names.size > 0 ? names : undefined
}

const LITERAL_TYPES = new Set(['Literal', 'StringLiteral'])
const specifierOf = (source: unknown): string => {
  if (!isNode(source)) return ''
  if (LITERAL_TYPES.has(source.type)) return String(source['value'])
  const quasis = source['quasis'] as { value: { cooked: string } }[] | undefined
  return source.type === 'TemplateLiteral' && quasis?.length === 1 ? quasis[0]!.value.cooked : ''
}

const TEST_CALLS = new Set(['test', 'it', 'describe'])
const IMPORTING = new Set([
  'ImportDeclaration',
  'ExportNamedDeclaration',
  'ExportAllDeclaration',
  'ImportExpression',
  'TSImportType',
  'TSExternalModuleReference',
])

/** The parts of a node that are names of something, not references. */
function isLabel(parent: Node | undefined, node: Node): boolean {
  if (parent === undefined) return false
  if (parent['computed'] === false && (parent['key'] === node || parent['property'] === node))
    return parent['value'] !== node
  if (parent.type === 'TSEnumMember') return parent['id'] === node
  return (
    parent['label'] === node ||
    /^(Import|Export).*Specifier$/.test(parent.type) ||
    parent.type === 'MetaProperty'
  )
}

const read = new Map<string, Syntax>()

/** Trees differ in a file or two; the others are not read again. */
export function readSyntax(path: string, text: string): Syntax {
  const key = `${path}\n${text}`
  const known = read.get(key) ?? parse(path, text)
  read.set(key, known)
  return known
}

function parse(path: string, text: string): Syntax {
  const { program, errors, comments } = parseSync(path, text)
  const starts = [0, ...[...text.matchAll(/\n/g)].map((match) => match.index + 1)]
  const lineAt = (offset: number): number => {
    let low = 0
    let high = starts.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (starts[middle]! <= offset) low = middle
      else high = middle
    }
    return low + 1
  }
  const facts: Facts = {
    parseErrors: errors.map((error) => ({ what: error.message, line: lineAt(error.labels[0]?.start ?? 0) })),
    imports: [],
    globals: [],
    mathNames: [],
    members: [],
    asynchronous: [],
    enums: [],
    subclasses: [],
    emptyCatches: [],
  }
  const note = (fact: keyof Facts, what: string, node: Node): void => {
    facts[fact].push({ what, line: lineAt(node.start) })
  }

  const constructs = (node: Node): void => {
    if (IMPORTING.has(node.type)) {
      const source = node['source'] ?? node['expression']
      // `export { name }` has no source.
      if (source !== null && source !== undefined) note('imports', specifierOf(source), node)
    }
    if (node.type === 'ImportExpression') note('asynchronous', 'import()', node)
    if (node.type === 'AwaitExpression' || (node.type === 'ForOfStatement' && node['await'] === true)) {
      note('asynchronous', 'await', node)
    }
    if (/Function/.test(node.type) && node['async'] === true) note('asynchronous', 'async', node)
    if (node.type === 'MetaProperty' && (node['meta'] as Node)['name'] === 'import')
      note('globals', 'import.meta', node)
    if (node.type === 'TSEnumDeclaration') note('enums', String((node['id'] as Node)['name']), node)
    if (node.type.startsWith('Class') && isNode(node['superClass'])) {
      const { start, end } = node['superClass'] as unknown as { start: number; end: number }
      note('subclasses', text.slice(start, end), node)
    }
    if (node.type === 'CatchClause') {
      const { start, end, body } = node['body'] as unknown as { start: number; end: number; body: unknown[] }
      const explained = comments.some((comment) => comment.start > start && comment.end < end)
      if (body.length === 0 && !explained) note('emptyCatches', 'catch', node)
    }
    if (node.type === 'MemberExpression') {
      const name =
        node['computed'] === false ? (node['property'] as Node)['name'] : specifierOf(node['property'])
      note('members', String(name), node['property'] as Node)
    }
    if (node.type === 'CallExpression' && TEST_CALLS.has(String((node['callee'] as Node)['name']))) {
      for (const options of node['arguments'] as Node[]) {
        if (options.type !== 'ObjectExpression') continue
        for (const each of options['properties'] as Node[]) {
          if (isNode(each['key'])) note('members', String(each['key']['name']), each)
        }
      }
    }
  }

  const visit = (node: Node, parent: Node | undefined, scopes: readonly ReadonlySet<string>[]): void => {
    constructs(node)
    if (node.type === 'ImportDeclaration') return
    const own = scopeOf(node)
    const inner = own === undefined ? scopes : [...scopes, own]
    if (node.type === 'Identifier' && !isLabel(parent, node)) {
      const name = String(node['name'])
      if (!scopes.some((scope) => scope.has(name))) {
        note('globals', name, node)
        if (name === 'Math') {
          const plain =
            parent?.type === 'MemberExpression' && parent['object'] === node && parent['computed'] === false
          note('mathNames', plain ? String((parent['property'] as Node)['name']) : '', node)
        }
      }
    }
    for (const child of children(node)) {
      if (isType(child)) typesOnly(child)
      else visit(child, node, inner)
    }
  }
  /** Types name no values, but may import. */
  const typesOnly = (node: Node): void => {
    if (IMPORTING.has(node.type)) constructs(node)
    for (const child of children(node)) typesOnly(child)
  }
  visit(program as unknown as Node, undefined, [])
  return { ...facts, lines: text.endsWith('\n') ? starts.length - 1 : starts.length }
}
