import { describe, expect, test } from 'vitest';
import { delivery } from '../../src/channel/delivery.ts';
import { loopback } from '../../src/channel/loopback.ts';
import { type Peer, peer } from '../../src/channel/transport.ts';
import { message } from '../../src/soap/envelope.ts';
import { soap12 } from '../../src/soap/version.ts';
import { transportContract } from '../contracts/transport.ts';

const at = new URL('http://127.0.0.1:0/soap');
const connecting = { secure: true, fingerprint: 'ab'.repeat(32), address: '10.0.0.1' };

transportContract('loopback', ({ maxBytes }) => ({
  transport: loopback({ maxBytes, peer: connecting, server: { secure: true } }),
  at,
  peer: connecting,
}));

describe('loopback', () => {
  const hello = message({ version: soap12, action: 'urn:hello' });

  test('several connecting sides share its listeners and are told apart', async () => {
    const transport = loopback();
    const seen: (Peer | undefined)[] = [];
    const listener = await transport.listen(at, (session) =>
      session(async (trip) => {
        seen.push(trip.get(peer));
        return undefined;
      }),
    );
    const alice = transport.as({ secure: true, fingerprint: 'a' });
    const mallory = transport.as({ secure: true, fingerprint: 'b' });
    for (const side of [alice, mallory, transport]) {
      await side
        .connect(listener.url)(async () => undefined)
        .send(delivery(hello));
    }
    expect(seen.map((found) => found?.fingerprint)).toEqual(['a', 'b', undefined]);
    expect(seen[2]?.secure).toBe(false);
  });

  test('what crosses was encoded and read again: the message has a source and is not the one that was sent', async () => {
    const transport = loopback();
    const listener = await transport.listen(at, (session) =>
      session(async (trip) => {
        expect(trip.message).not.toBe(hello);
        expect(trip.message.source?.root.local).toBe('Envelope');
        return undefined;
      }),
    );
    const channel = transport.connect(listener.url)(async () => undefined);
    await expect(channel.send(delivery(hello))).resolves.toBeUndefined();
  });

  test('a listener cannot send unasked', async () => {
    const transport = loopback();
    const sessions = [] as { send: (trip: ReturnType<typeof delivery>) => Promise<unknown> }[];
    await transport.listen(at, (session) => {
      const channel = session(async () => undefined);
      sessions.push(channel);
      return channel;
    });
    await expect(sessions[0]?.send(delivery(hello))).rejects.toMatchObject({ code: 'CHANNEL_ONE_WAY' });
  });

  test('an element may make the channel below again: the new one serves', async () => {
    const transport = loopback();
    const served: string[] = [];
    const listener = await transport.listen(at, (session) => {
      const first = session(async () => {
        served.push('first');
        return undefined;
      });
      first.abort(new Error('it failed'));
      return session(async () => {
        served.push('second');
        return undefined;
      });
    });
    await transport
      .connect(listener.url)(async () => undefined)
      .send(delivery(hello));
    expect(served).toEqual(['second']);
  });

  test('two loopbacks know nothing of each other', async () => {
    const listener = await loopback().listen(at, (session) => session(async () => undefined));
    const channel = loopback().connect(listener.url)(async () => undefined);
    await expect(channel.send(delivery(hello))).rejects.toMatchObject({ code: 'CHANNEL_UNREACHABLE' });
  });
});
