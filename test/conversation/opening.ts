/** Opens a reliable session under a security context over HTTPS, and counts the round trips that it takes. */
import { binding, connect, listen } from '../../src/channel/binding.ts';
import { exchange } from '../../src/channel/correlation.ts';
import { secureConversation } from '../../src/conversation/element.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import { usernameOverTransport } from '../../src/security/policy.ts';
import type { SecurityPolicy } from '../../src/security/protection.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import { httpTransport } from '../../src/transport/http/transport.ts';
import { Authority } from '../transport/certificates.ts';
import { countingTurns } from './turns.ts';

/** Round trips from nothing to a sequence: TCP, TLS, RST/SCT, CreateSequence. */
export async function roundTripsToOpen(): Promise<number> {
  const authority = new Authority('opening');
  const { cert, key } = authority.leaf();
  const layers = (bootstrap: SecurityPolicy, tls: object, to?: URL) =>
    binding(
      [
        exchange({ addressing: addressing200508 }),
        reliableSession(to === undefined ? {} : { to }),
        secureConversation({ bootstrap }),
      ],
      httpTransport({ tls }),
    );
  const passwords = { password: () => 'secret' };
  const service = layers(usernameOverTransport({ passwords }), { cert, key });
  const listener = await listen(service, new URL('https://127.0.0.1:0/box'), async () => undefined);
  const relay = await countingTurns(Number(listener.url.port));
  const to = new URL(`https://127.0.0.1:${relay.port}/box`);
  const username = { user: 'alice', password: 'secret', form: 'text' } as const;
  const channel = connect(layers(usernameOverTransport({ username }), { ca: authority.cert }, to), to);
  await channel.open();
  const trips = relay.count();
  await channel.close();
  await relay.close();
  await listener.close();
  return trips;
}
