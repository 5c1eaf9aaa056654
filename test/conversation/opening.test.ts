/** Over real TLS: what it costs to open (TCP, TLS 1.3, RST/SCT, CreateSequence, a round trip each), and what a connection proves. */
import { expect, test } from 'vitest';
import { binding, connect, listen } from '../../src/channel/binding.ts';
import { exchange } from '../../src/channel/correlation.ts';
import { delivery } from '../../src/channel/delivery.ts';
import { peer } from '../../src/channel/transport.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import { httpTransport } from '../../src/transport/http/transport.ts';
import { Authority } from '../transport/certificates.ts';
import { roundTripsToOpen } from './opening.ts';
import { saying } from './rig.ts';

test('a reliable session under a security context is open after four round trips', async () => {
  expect(await roundTripsToOpen()).toBe(4);
});

test('TLS 1.3 tells both ends the same of their connection, and a sequence may belong to it', async () => {
  const authority = new Authority('exporter');
  const { cert, key } = authority.leaf();
  const layers = (tls: object) =>
    binding(
      [exchange({ addressing: addressing200508 }), reliableSession({ usesTls: true })],
      httpTransport({ tls, client: { connections: 1 } }),
    );
  const seen: (string | undefined)[] = [];
  const listener = await listen(layers({ cert, key }), new URL('https://127.0.0.1:0/box'), async (trip) => {
    seen.push(trip.get(peer)?.exporter);
    return trip;
  });
  const channel = connect(layers({ ca: authority.cert }), listener.url);
  for (const text of ['one', 'two']) {
    const answer = await channel.send(delivery(saying(text)));
    seen.push(answer?.get(peer)?.exporter);
  }
  await channel.close();
  await listener.close();
  expect(seen[0]).toMatch(/^[0-9a-f]{64}$/);
  expect(new Set(seen).size).toBe(1);
});
