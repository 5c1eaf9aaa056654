/** What a duplex session holds for its application: what each step looks at of it. */
import { expect, test } from 'vitest';
import { VirtualClock } from '../../../src/base/clock.ts';
import { type Carry, type Delivery, delivery } from '../../../src/channel/delivery.ts';
import { newDestination } from '../../../src/reliable/destination-state.ts';
import type { DuplexInit } from '../../../src/reliable/duplex/ends.ts';
import { Inbox } from '../../../src/reliable/duplex/inbox.ts';
import { SequencePair } from '../../../src/reliable/duplex/pair.ts';
import type { Ranges } from '../../../src/reliable/ranges.ts';
import { settingsOf } from '../../../src/reliable/settings.ts';
import { withAddressing } from '../../../src/soap/addressing.ts';
import { addressing200508 } from '../../../src/soap/addressing-versions.ts';
import { message } from '../../../src/soap/envelope.ts';
import { soap12 } from '../../../src/soap/version.ts';

const settings = settingsOf({ clock: new VirtualClock(), maxTransferWindowSize: 4_096 });

const upTo = (last: number): Ranges => [{ lower: 1, upper: last }];

/** An inbox that holds what it is given; nothing is handed up by itself. */
function holding(received: number) {
  const receipt = { ...newDestination('urn:s', settings.clock.now(), undefined), received: upTo(received) };
  const handed: number[] = [];
  const receive: Carry = async (trip) => {
    handed.push(Number(trip.message.action));
    return undefined;
  };
  const init = { settings, receive, signal: new AbortController().signal, version: settings.version } as DuplexInit;
  const pair = new SequencePair('initiator', { source: { phase: 'none' }, receipt });
  const finish = async () => undefined;
  const failed = () => undefined;
  const inbox = new Inbox({ init, pair, finish, failed, room: () => 1 });
  return { inbox, receipt, handed };
}

/** Counts how often anybody looks at its message. */
function counted(number: number, looks: { count: number }, relatesTo?: string): Delivery {
  const { message: bare } = delivery(message({ version: soap12, action: String(number) }));
  const said = { version: addressing200508, action: bare.action, relatesTo };
  const trip = delivery(withAddressing(bare, said));
  return new Proxy(trip, {
    get: (of, name) => {
      if (name === 'message') looks.count += 1;
      const value: unknown = Reflect.get(of, name);
      return typeof value === 'function' ? value.bind(of) : value;
    },
  });
}

test('a step looks at the answers that were not handed up, and at nothing else that is held', () => {
  const { inbox, receipt } = holding(4_000);
  const looks = { count: 0 };
  for (let number = 1; number <= 4_000; number++) inbox.keep(number, counted(number, looks));
  looks.count = 0;
  for (let step = 1; step <= 100; step++) inbox.handUpAnswers(receipt);
  expect(looks.count).toBe(0);
});

test('answers are handed up in order, each once and as soon as nothing is missing before it', async () => {
  const { inbox, receipt, handed } = holding(6);
  const looks = { count: 0 };
  for (const number of [5, 2, 3, 9, 1])
    inbox.keep(number, counted(number, looks, number % 2 ? 'urn:asked' : undefined));
  inbox.handUpAnswers(receipt);
  inbox.handUpAnswers(receipt);
  await inbox.idle();
  expect(handed).toEqual([1, 3, 5]);
  inbox.handUpAnswers({ ...receipt, received: upTo(9) });
  await inbox.idle();
  expect(handed).toEqual([1, 3, 5, 9]);
});
