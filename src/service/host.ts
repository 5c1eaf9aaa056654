/** Keeps endpoints open until it is told to stop: all or none, closed in good order. */
import { asError } from '../base/errors.ts';
import { type Binding, listen } from '../channel/binding.ts';
import type { Carry } from '../channel/delivery.ts';
import type { Listener, Publication } from '../channel/transport.ts';
import type { Service } from './dispatcher.ts';
import { ServiceError } from './errors.ts';

export interface Endpoint {
  readonly binding: Binding;
  /** Where to listen; port 0 takes any free port. */
  readonly url: URL;
  /** The service, e.g. a `dispatcher`, which ends with the host. */
  readonly receive: Carry | Service;
  /** What is told of it at its address (`?wsdl`, WS-MEX), such as `publish` makes. Default nothing. */
  readonly publication?: Publication | undefined;
}

export interface Host extends AsyncDisposable {
  /** Where the endpoints listen, in the order given, with their real ports; `url` is that of the first. */
  readonly urls: readonly URL[];
  readonly url: URL;
  /** Stops taking messages, lets those under way finish until `signal` fires, closes every session, and ends the services. */
  close(signal?: AbortSignal): Promise<void>;
}

/**
 * Opens every endpoint. When one cannot be opened the others are closed again and its error is thrown, such as
 * TransportError `TRANSPORT_PORT_BUSY`, `TRANSPORT_KEY`, `TRANSPORT_ADDRESS` or StoreError `STORE_CORRUPT`; ServiceError
 * `SERVICE_BINDING` when a contract requires sessions and its binding has none, or allows none and it has.
 *
 * @returns the host, to be closed, or declared with `await using`
 */
export async function host(endpoints: readonly [Endpoint, ...Endpoint[]]): Promise<Host> {
  const listeners: Listener[] = [];
  const services = new Set(endpoints.map(({ receive }) => receive).filter(isService));
  const stop = async (signal?: AbortSignal): Promise<void> => {
    const ends = await Promise.allSettled(listeners.map((listener) => listener.close(signal)));
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed !== undefined) throw asError(failed.reason);
  };
  const close = async (signal?: AbortSignal): Promise<void> => {
    for (const service of services) service.drain();
    try {
      await stop(signal);
    } finally {
      await Promise.all([...services].map((service) => service[Symbol.asyncDispose]()));
    }
  };
  for (const endpoint of endpoints) requireSessions(endpoint);
  const open = async ({ binding, url, receive, publication }: Endpoint): Promise<URL> => {
    const listener = await listen(binding, url, receive, publication);
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
    await stop().catch(() => undefined);
    throw thrown;
  }
  return Object.freeze({
    urls,
    url,
    close,
    [Symbol.asyncDispose]: () => close(),
  });
}

function isService(receive: Carry | Service): receive is Service {
  return Symbol.asyncDispose in receive;
}

/** @throws ServiceError `SERVICE_BINDING` */
function requireSessions({ binding, url, receive }: Endpoint): void {
  if (!isService(receive)) return;
  const has = binding.elements.some(({ place }) => place === 'session');
  if (receive.session === 'required' && !has) {
    const reason = `The contract served at ${url} requires sessions. Put reliableSession into its binding.`;
    throw new ServiceError('SERVICE_BINDING', reason);
  }
  if (receive.session === 'not-allowed' && has) {
    const reason = `The contract served at ${url} allows no sessions. Take reliableSession out of its binding.`;
    throw new ServiceError('SERVICE_BINDING', reason);
  }
}
