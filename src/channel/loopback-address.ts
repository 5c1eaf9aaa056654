/** Addresses of in-memory listeners: host, port and path, with a free port where 0 is asked for. */
import { ChannelError } from './errors.ts';

const firstFreePort = 49_152;

export function keyOf(url: URL): string {
  return `${url.host}${url.pathname}`;
}

/**
 * Where to listen, with a real port.
 *
 * @throws ChannelError `CHANNEL_ADDRESS_IN_USE`
 */
export function free(taken: ReadonlyMap<string, unknown>, at: URL): { readonly url: URL; readonly key: string } {
  const url = new URL(at);
  for (let port = firstFreePort; at.port === '0' && (url.port === '0' || taken.has(keyOf(url))); port++) {
    url.port = String(port);
  }
  const key = keyOf(url);
  if (!taken.has(key)) return { url, key };
  throw new ChannelError('CHANNEL_ADDRESS_IN_USE', `Somebody listens at ${url} already. Choose another address.`);
}

export function unreachable(to: URL): ChannelError {
  const text = `Nobody listens at ${to}. Start the listener, or check the address.`;
  return new ChannelError('CHANNEL_UNREACHABLE', text, { transient: true });
}
