/**
 * WebCrypto works in threads of its own, and takes time of the wall: certificate paths are verified with it. Virtual time that went on
 * meanwhile would be over before the first signature is verified on a busy machine.
 */
const { subtle } = globalThis.crypto;
const underWay = new Set<Promise<unknown>>();

for (const name of ['digest', 'importKey', 'exportKey', 'sign', 'verify'] as const) {
  const original: (...values: never[]) => Promise<unknown> = subtle[name];
  Object.defineProperty(subtle, name, {
    configurable: true,
    value: (...values: never[]) => {
      const work = original.apply(subtle, values);
      underWay.add(work);
      const done = () => underWay.delete(work);
      work.then(done, done);
      return work;
    },
  });
}

/** Settles when nothing is under way, and what waited for it has gone on. */
export async function cryptoAtRest(): Promise<void> {
  while (underWay.size > 0) {
    await Promise.allSettled(underWay);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** More than anything here takes that waits for neither time nor a thread. */
const turns = 20;

/** Settles when all that can happen without time going by has happened. */
export async function atRest(): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    await cryptoAtRest();
  }
}
