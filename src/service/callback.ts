/**
 * Calls back: a service calls the client that is calling it, by a contract of its own (WCF's CallbackContract and
 * OperationContext.GetCallbackChannel). It takes a duplex transport; the client gives its side of the callback contract, such
 * as a `dispatcher`, to `connect`.
 */
import { callbackChannel } from '../channel/callback.ts';
import { type Calls, type ClientOptions, client } from './client.ts';
import type { Contract, Operations } from './contract.ts';
import type { CallContext } from './dispatcher.ts';

/**
 * The operations of `of` as methods that call the client back, on the session of `call` where there is one. They may be kept and
 * called after the call was answered, for as long as the client is there; then they reject as those of a `client` do.
 *
 * A handler that awaits one, in an instance of concurrency `single`, keeps others out: await it in `call.outside`.
 *
 * @param call the context of an operation of the service
 * @throws ChannelError `CHANNEL_NO_CALLBACK` when the call came over a request-reply transport such as HTTP
 *
 * @example
 * const service = dispatcher(orders, {
 *   watch: (_, call) => { watchers.add(callbackClient(news, call)); },
 * });
 * const calls = client(orders, connect(via, url, dispatcher(news, { changed: ({ text }) => console.log(text) })));
 */
export function callbackClient<O extends Operations>(
  of: Contract<O>,
  call: Pick<CallContext, 'delivery'>,
  options: ClientOptions = {},
): Calls<Contract<O>> {
  return client(of, callbackChannel(call.delivery), { version: call.delivery.message.version, ...options });
}
