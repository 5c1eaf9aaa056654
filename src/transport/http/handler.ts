/**
 * An endpoint inside an HTTP server that exists already: `node:http(s)`, Express, Fastify. The handler is the transport's
 * listening end; the server keeps its port, its TLS and its routes.
 *
 * Express: `app.post('/soap', soap)`. Fastify: `addContentTypeParser('*', { parseAs: 'buffer' }, …)`, and in the route
 * `reply.hijack(); soap(Object.assign(request.raw, { body: request.body }), reply.raw)`.
 */
import type { ServerResponse } from 'node:http';
import { never } from '../../base/signals.ts';
import type { Channel } from '../../channel/channel.ts';
import type { Listener, Transport } from '../../channel/transport.ts';
import { httpUrl } from '../address.ts';
import { TransportError } from '../errors.ts';
import { Endpoint, type ParsedRequest } from './endpoint.ts';
import { closeTop, Entrance } from './entrance.ts';
import { endpointSettings, type HttpEndpointOptions, type HttpMessageOptions } from './settings.ts';

export interface HttpHandlerOptions extends HttpMessageOptions, HttpEndpointOptions {}

export interface HttpHandler {
  /**
   * Answers one request. Takes the octets from `request.body` (a `Buffer`, `Uint8Array` or string) when a body parser left
   * them there, else reads the request itself. The path is not looked at: the router has done so.
   */
  (request: ParsedRequest, response: ServerResponse): void;
  /** Give it to a binding and `listen` there; until then, and after the listener was closed, every request gets 503. */
  readonly transport: Transport;
}

/**
 * Makes a handler to mount into an existing server.
 *
 * @returns a `(request, response) => void` whose `transport` only listens: `listen` takes the public URL of the mounted
 * endpoint as it is, rejects with `TRANSPORT_PORT_BUSY` when somebody listens at this handler already; `connect` throws
 * `TRANSPORT_ADDRESS`
 *
 * @example
 * const soap = httpHandler();
 * const listener = await listen(binding([], soap.transport), new URL('https://orders.example/soap'), receive);
 * createServer(soap);
 */
export function httpHandler(options: HttpHandlerOptions = {}): HttpHandler {
  const settings = endpointSettings(options, options);
  const nobody = new Endpoint(new Entrance(), settings);
  let endpoint = nobody;
  const transport: Transport = {
    name: 'http (mounted)',
    connect: () => {
      throw new TransportError('TRANSPORT_ADDRESS', 'A mounted handler only listens. Connect with httpTransport().');
    },
    listen: async (at, accept, publication): Promise<Listener> => {
      if (endpoint !== nobody) {
        throw new TransportError(
          'TRANSPORT_PORT_BUSY',
          'Somebody listens at this handler already. Make another handler.',
        );
      }
      const url = new URL(httpUrl(at));
      const entrance = new Entrance();
      const mounted = new Endpoint(entrance, settings);
      endpoint = mounted;
      let top: Channel;
      try {
        mounted.publish(publication?.(new URL(url)));
        top = accept(entrance.session);
        await top.open();
      } catch (error) {
        endpoint = nobody;
        throw error;
      }
      let closing: Promise<void> | undefined;
      return {
        url,
        close: (signal = never) => {
          closing ??= mounted
            .stop(signal)
            .then(() => closeTop(top, signal))
            .finally(() => {
              endpoint = nobody;
            });
          return closing;
        },
      };
    },
  };
  return Object.assign((request: ParsedRequest, response: ServerResponse) => endpoint.handle(request, response), {
    transport,
  });
}
