/**
 * Going on at once with what is there at once. A hot path that waits for a store where there is one, and for nothing where
 * there is none, is written once and pays for promises only in the first case.
 */
export function after<T, U>(value: Promise<T> | T, then: (value: T) => Promise<U> | U): Promise<U> | U {
  return value instanceof Promise ? value.then(then) : then(value);
}
