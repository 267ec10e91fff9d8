// Makes the view's plain data real, with Preact: a component of the view becomes a component of its own, so that it is made again
// only when a signal that it has read changes.
import { type ComponentChild, type ComponentType, Fragment, h, type VNode } from 'preact'
import { type Child, FRAGMENT, type Tree } from '../src/view/parts.ts'

type ViewFunction = Extract<Tree['type'], (properties: never) => Child>

const components = new Map<ViewFunction, ComponentType<object>>()

function componentOf(view: ViewFunction): ComponentType<object> {
  const found = components.get(view)
  if (found !== undefined) return found
  const component = (properties: object): ComponentChild => toChild(view(properties as never))
  components.set(view, component)
  return component
}

const isList = (child: Child): child is readonly Child[] => Array.isArray(child)

function toChild(child: Child): ComponentChild {
  if (typeof child !== 'object' || child === null) return child
  return isList(child) ? h(Fragment, null, child.map(toChild)) : toVNode(child)
}

export function toVNode({ type, properties, children }: Tree): VNode {
  const inside = children.map((child) => (isList(child) ? child.map(toChild) : toChild(child)))
  if (type === FRAGMENT) return h(Fragment, null, ...inside)
  if (typeof type === 'function') return h(componentOf(type), properties)
  return h(type as string, properties, ...inside)
}
