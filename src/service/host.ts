/** Keeps endpoints open until it is told to stop: all or none, closed in good order. */
import { asError } from '../base/errors.ts';
import { type Binding, listen } from '../channel/binding.ts';
import type { Carry } from '../channel/delivery.ts';
import type { Listener } from '../channel/transport.ts';

export interface Endpoint {
  readonly binding: Binding;
  /** Where to listen; port 0 takes any free port. */
  readonly url: URL;
  /** The service, e.g. a `dispatcher`. */
  readonly receive: Carry;
}

export interface Host extends AsyncDisposable {
  /** Where the endpoints listen, in the order given, with their real ports; `url` is that of the first. */
  readonly urls: readonly URL[];
  readonly url: URL;
  /** Stops taking messages, lets those under way finish until `signal` fires, and closes every session. */
  close(signal?: AbortSignal): Promise<void>;
}

/**
 * Opens every endpoint. When one cannot be opened the others are closed again and its error is thrown, such as
 * TransportError `TRANSPORT_PORT_BUSY`, `TRANSPORT_KEY`, `TRANSPORT_ADDRESS` or StoreError `STORE_CORRUPT`.
 *
 * @returns the host, to be closed, or declared with `await using`
 */
export async function host(endpoints: readonly [Endpoint, ...Endpoint[]]): Promise<Host> {
  const listeners: Listener[] = [];
  const close = async (signal?: AbortSignal): Promise<void> => {
    const ends = await Promise.allSettled(listeners.map((listener) => listener.close(signal)));
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed !== undefined) throw asError(failed.reason);
  };
  const open = async ({ binding, url, receive }: Endpoint): Promise<URL> => {
    const listener = await listen(binding, url, receive);
    listeners.push(listener);
    return listener.url;
  };
  const [first, ...others] = endpoints;
  const urls: URL[] = [];
  let url: URL;
  try {
    url = await open(first);
    urls.push(url);
    for (const endpoint of others) urls.push(await open(endpoint));
  } catch (thrown) {
    await close().catch(() => undefined);
    throw thrown;
  }
  return Object.freeze({
    urls,
    url,
    close,
    [Symbol.asyncDispose]: () => close(),
  });
}
