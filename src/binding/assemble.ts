/** A description, the credentials and the surroundings, made into a binding whose elements do what it says. */
import { defined } from '../base/defined.ts';
import { type Binding, binding } from '../channel/binding.ts';
import type { BindingElement } from '../channel/channel.ts';
import { exchange } from '../channel/correlation.ts';
import type { Transport } from '../channel/transport.ts';
import { compositeDuplex } from '../connection/composite-duplex.ts';
import { makeConnection } from '../connection/make-connection.ts';
import { secureConversation } from '../conversation/element.ts';
import { reliableSession } from '../reliable/element.ts';
import { security } from '../security/element.ts';
import { httpTransport } from '../transport/http/transport.ts';
import type { TlsOptions } from '../transport/tls.ts';
import { webSocketTransport } from '../transport/websocket/transport.ts';
import type { Credentials, LocalReliableOptions, Surroundings } from './credentials.ts';
import type { BindingDescription, ReliableDescription, TransportDescription } from './description.ts';
import { against, BindingError, unsupported } from './errors.ts';
import { authenticationModes } from './modes.ts';
import { obstacles } from './obstacles.ts';
import { contextOptions, policyOf } from './policies.ts';
import { defaultLimits } from './rows.ts';

/** A binding that knows what it is: `publish` says it to others, `plainly` to people. */
export interface SystemBinding extends Binding {
  readonly description: BindingDescription;
}

/**
 * @param local settings of the reliable session that nobody on the wire sees
 * @throws BindingError `BINDING_UNSUPPORTED`, `BINDING_CREDENTIALS`, `BINDING_RULE`, and what the elements throw
 */
export function assemble(
  described: BindingDescription,
  credentials: Credentials,
  surroundings: Surroundings,
  local: LocalReliableOptions = {},
): SystemBinding {
  const description = amendable(described, surroundings);
  const { clock, random } = surroundings;
  const [obstacle] = obstacles(description);
  if (obstacle !== undefined) throw unsupported(obstacle);
  const elements: BindingElement[] = [];
  const { addressing } = description.encoding;
  if (addressing !== undefined) {
    elements.push(exchange({ addressing, addresses: surroundings.addresses, random: surroundings.random }));
  }
  if (description.reliableSession !== undefined) {
    elements.push(reliable(description, description.reliableSession, surroundings, local));
  }
  const security = secured(description, credentials, surroundings);
  const { soap } = description.encoding;
  const below = transport(description, surroundings);
  // Who fetches what waits has to prove itself, too: security stands below.
  const made =
    description.transport.kind === 'fetched'
      ? binding(elements, makeConnection(binding(security, below), defined({ clock, random })), soap)
      : binding([...elements, ...security], below, soap);
  return Object.freeze({ ...made, sendTimeout: description.limits.sendTimeout, description });
}

/**
 * Whether contexts are amended is said of the service that does it, whatever was read of another.
 *
 * @throws BindingError `BINDING_RULE`
 */
function amendable(of: BindingDescription, { amendment }: Surroundings): BindingDescription {
  const { security } = of;
  const isAmended = amendment !== undefined;
  if (isAmended && security?.bootstrap === undefined) {
    throw against('There is no security context to amend: leave `amendment` out, or establish one.');
  }
  if (security === undefined || security.amendment === isAmended) return of;
  return Object.freeze({ ...of, security: Object.freeze({ ...security, amendment: isAmended }) });
}

function reliable(
  { encoding, limits }: BindingDescription,
  { version, ...settings }: ReliableDescription,
  { clock, random }: Surroundings,
  local: LocalReliableOptions,
): BindingElement {
  const { openTimeout, closeTimeout, receiveTimeout } = limits;
  return reliableSession({
    openTimeout,
    closeTimeout,
    // Where nobody has chosen it, it follows a longer inactivityTimeout.
    ...(receiveTimeout === defaultLimits.receiveTimeout ? {} : { receiveTimeout }),
    ...defined({ clock, random }),
    ...local,
    ...settings,
    version,
    versions: [version],
    soap: encoding.soap,
    ...defined({ addressing: encoding.addressing }),
  });
}

/** What secures messages: the policy of a mode, or a security context that such a policy asks for. */
function secured(
  { security: described, encoding }: BindingDescription,
  credentials: Credentials,
  { clock, random, replay, sealing, amendment }: Surroundings,
): readonly BindingElement[] {
  if (described === undefined) return [];
  const addressed = encoding.addressing !== undefined;
  const options = defined({ clock, random, replay });
  const { bootstrap } = described;
  if (bootstrap === undefined) return [security(policyOf(described, addressed, credentials), options)];
  const { addressing } = encoding;
  const isOverTransport = authenticationModes[bootstrap.mode].binding === 'transport';
  return [
    secureConversation({
      ...options,
      ...contextOptions(described, credentials),
      bootstrap: policyOf(bootstrap, addressed, credentials),
      version: described.versions.conversation,
      protection: isOverTransport ? 'transport' : 'message',
      soap: encoding.soap,
      keepsContext: !described.requireCancellation,
      ...defined({ addressing, sealing, amendment }),
    }),
  ];
}

function transport(
  { transport: of, encoding, limits, reliableSession: session }: BindingDescription,
  around: Surroundings,
): Transport {
  const { sendTimeout, openTimeout, receiveTimeout, maxReceivedMessageSize } = limits;
  const tls = tlsOf(of, around.tls);
  const common = {
    maxReceivedMessageSize,
    ...defined({ readerQuotas: around.readerQuotas, clock: around.clock, tls }),
  };
  const overHttp = (): Transport =>
    guarded(
      httpTransport({
        ...common,
        client: { sendTimeout, openTimeout, ...around.client },
        ...defined({ listener: around.listener }),
      }),
      of.tls ? 'https:' : 'http:',
    );
  switch (of.kind) {
    case 'http':
    case 'fetched':
      return overHttp();
    case 'websocket':
      return guarded(
        webSocketTransport({
          ...common,
          sendTimeout,
          version: encoding.soap,
          client: { openTimeout },
          // A reliable session outlives its connections, and counts by itself.
          ...(session === undefined ? { receiveTimeout } : {}),
        }),
        of.tls ? 'wss:' : 'ws:',
      );
    case 'dual': {
      const { callbackAddress, knownAs, replyHosts, clock } = around;
      return compositeDuplex(overHttp(), defined({ callbackAddress, knownAs, replyHosts, clock }));
    }
    default:
      return of.kind satisfies never;
  }
}

/**
 * A certificate of the client in TLS: the listener requires one, and both ends have their own.
 *
 * @throws BindingError `BINDING_CREDENTIALS`
 */
function tlsOf({ clientCertificate }: TransportDescription, tls: TlsOptions | undefined): TlsOptions | undefined {
  if (!clientCertificate) return tls;
  if (tls?.pfx === undefined && tls?.cert === undefined) {
    throw new BindingError(
      'BINDING_CREDENTIALS',
      'The client shows a certificate in TLS: give `tls` with cert and key, or pfx; at the service also ca, the authorities it lets in.',
    );
  }
  return { ...tls, clientCertificate: 'require' };
}

/** Holds addresses to the scheme that the binding promises: over another its security would be another. */
function guarded(inner: Transport, scheme: string): Transport {
  const requireScheme = (url: URL): URL => {
    if (url.protocol === scheme) return url;
    throw new BindingError(
      'BINDING_RULE',
      `The binding is for addresses that begin with ${scheme}// and this one begins with ${url.protocol}//. Use the other address, or another security mode.`,
    );
  };
  return {
    name: inner.name,
    connect: (to) => inner.connect(requireScheme(to)),
    listen: async (at, accept, publication) => inner.listen(requireScheme(at), accept, publication),
  };
}
