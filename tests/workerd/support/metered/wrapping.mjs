/**
 * Stands in front of a native object of the runtime.
 *
 * Native methods insist on their real `this`, and the Rust `worker` crate asks a binding for
 * `constructor.name`; so every property is read from the target itself and its methods are bound
 * to it, but `constructor` is passed on as it is.
 *
 * @template {object} T
 * @param {T} target
 * @param {Record<string | symbol, (target: T) => unknown>} replacements - what to answer instead, by property
 * @returns {T}
 */
export function wrapping(target, replacements) {
  return new Proxy(target, {
    get(_, property) {
      if (Object.hasOwn(replacements, property)) return replacements[property](target);
      const value = Reflect.get(target, property, target);
      return typeof value === 'function' && property !== 'constructor' ? value.bind(target) : value;
    },
    set: (_, property, value) => Reflect.set(target, property, value, target),
  });
}
