/** `close` comes after the calls that were made before it, whatever lies below and whether anything is open yet. */
import { describe, expect, test } from 'vitest';
import { binding, connect } from '../../src/channel/binding.ts';
import { exchange } from '../../src/channel/correlation.ts';
import { delivery } from '../../src/channel/delivery.ts';
import { loopback } from '../../src/channel/loopback.ts';
import { transform } from '../../src/channel/transform.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import { reliable200502 } from '../../src/reliable/versions/v200502.ts';
import { client } from '../../src/service/client.ts';
import { contract, oneWay, requestReply } from '../../src/service/contract.ts';
import { dispatcher } from '../../src/service/dispatcher.ts';
import { host } from '../../src/service/host.ts';
import { record, text } from '../../src/service/shape.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import { payload } from '../../src/soap/envelope.ts';
import { saying } from '../reliable/ends.ts';

const diary = contract({
  name: 'Diary',
  namespace: 'urn:surewire:test:diary',
  operations: {
    note: oneWay({ request: record({ said: text }) }),
    read: requestReply({ request: record({ said: text }), reply: record({ said: text }) }),
  },
});

const url = new URL('http://127.0.0.1:0/diary');

/** Takes its time before a message goes down, as signing does. */
const slowly = () =>
  transform({
    name: 'slowly',
    place: 'security',
    down: (next) => async (trip) => {
      for (let turn = 0; turn < 8; turn += 1) await Promise.resolve();
      return next(trip);
    },
  });

const ways = [
  ['no session', false, () => []],
  ['no session, duplex', true, () => []],
  ['a reliable session', false, () => [reliableSession()]],
  ['a reliable session of 2005/02', false, () => [reliableSession({ version: reliable200502 })]],
  ['a reliable session one way', false, () => [reliableSession({ oneWay: true })]],
  ['a reliable session that knows where it goes', false, (to: URL) => [reliableSession({ to })]],
  ['a duplex reliable session', true, () => [reliableSession()]],
] as const;

describe.each(ways)('%s', (_, duplex, session) => {
  async function served() {
    const noted: string[] = [];
    const elements = (to: URL) => [exchange({ addressing: addressing200508, to }), ...session(to), slowly()];
    const wire = loopback({ duplex });
    const service = dispatcher(diary, {
      note: ({ said }) => void noted.push(said),
      read: ({ said }) => {
        noted.push(said);
        return { said };
      },
    });
    const via = binding(elements(url), wire);
    const listening = await host([{ binding: via, url, receive: service }]);
    const channel = () => connect(binding(elements(listening.url), wire), listening.url);
    return { noted, channel, listening };
  }

  test('one-way calls, and close at once: all of them arrive', async () => {
    const { noted, channel, listening } = await served();
    const calls = client(diary, channel());
    const made = [calls.note({ said: 'one' }), calls.note({ said: 'two' }), calls.note({ said: 'three' })];
    await calls.close();
    await Promise.all(made);
    await listening.close();
    expect(noted).toEqual(['one', 'two', 'three']);
  });

  test('a request and a one-way call in an open session, and close at once: the reply comes', async () => {
    const { noted, channel, listening } = await served();
    const calls = client(diary, channel());
    await calls.open();
    const made = [calls.read({ said: 'one' }), calls.note({ said: 'two' })];
    await calls.close();
    expect(await Promise.all(made)).toEqual([{ said: 'one' }, undefined]);
    await listening.close();
    expect(noted).toEqual(['one', 'two']);
  });

  test('what comes after it is refused', async () => {
    const { noted, channel, listening } = await served();
    const calls = client(diary, channel());
    const made = calls.note({ said: 'one' });
    const closed = calls.close();
    const late = calls.note({ said: 'late' }).then(
      () => 'sent',
      () => 'refused',
    );
    await Promise.all([made, closed]);
    expect(await late).toBe('refused');
    await listening.close();
    expect(noted).toEqual(['one']);
  });
});

describe.each(ways)('the channel itself, %s', (_, duplex, session) => {
  test('send, and close at once: the message arrives', async () => {
    const noted: string[] = [];
    const wire = loopback({ duplex });
    const elements = (to: URL) => [exchange({ addressing: addressing200508, to }), ...session(to)];
    const listening = await host([
      {
        binding: binding(elements(url), wire),
        url,
        receive: async (trip) => {
          noted.push(payload(trip.message)?.text ?? '');
          return trip.carrying(saying('yes', trip.message.version, 'urn:test:yes'));
        },
      },
    ]);
    const channel = connect(binding(elements(listening.url), wire), listening.url);
    const sent = channel.send(delivery(saying('hello')));
    await channel.close();
    expect((await sent)?.message.action).toBe('urn:test:yes');
    await listening.close();
    expect(noted).toEqual(['hello']);
  });
});
