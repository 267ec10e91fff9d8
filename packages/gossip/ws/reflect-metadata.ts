// Decides how @peculiar/x509 gets the metadata functions that its container (tsyringe) insists on at import time.
// They are the three functions of the Reflect Metadata proposal that it calls, kept in a WeakMap. An existing polyfill wins:
// this file must be imported before @peculiar/x509, and changes nothing when somebody else already has.

type MetadataKey = string | symbol
interface MetadataReflect {
  defineMetadata?: (key: MetadataKey, value: unknown, target: object) => void
  getOwnMetadata?: (key: MetadataKey, target: object) => unknown
  getMetadata?: (key: MetadataKey, target: object) => unknown
}

const reflect = Reflect as MetadataReflect

if (reflect.getMetadata === undefined) {
  const metadata = new WeakMap<object, Map<MetadataKey, unknown>>()
  reflect.defineMetadata = (key, value, target) => {
    const own = metadata.get(target) ?? new Map<MetadataKey, unknown>()
    own.set(key, value)
    metadata.set(target, own)
  }
  reflect.getOwnMetadata = (key, target) => metadata.get(target)?.get(key)
  reflect.getMetadata = (key, target) => {
    // Metadata is inherited along the prototype chain, as the proposal says.
    for (let at: object | null = target; at !== null; at = Object.getPrototypeOf(at) as object | null) {
      const own = metadata.get(at)
      if (own?.has(key) === true) return own.get(key)
    }
    return undefined
  }
}
