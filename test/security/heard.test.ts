/** What a plain duplex channel remembers of messages, of each but not for ever: many leave no more than the last of them. */
import { expect, test } from 'vitest';
import { delivery } from '../../src/channel/delivery.ts';
import { onRefused } from '../../src/channel/refusal.ts';
import { Heard } from '../../src/security/heard.ts';
import { Refusals } from '../../src/security/refusals.ts';
import { withAddressing } from '../../src/soap/addressing.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import { message } from '../../src/soap/envelope.ts';
import type { Message } from '../../src/soap/message.ts';
import { soap12 } from '../../src/soap/version.ts';
import { weight } from '../base/traces.ts';

const MANY = 50_000;
const bare = message({ version: soap12, action: 'urn:x' });
const named = (number: number, relatesTo?: string): Message =>
  withAddressing(bare, { version: addressing200508, action: 'urn:x', messageId: `urn:${number}`, relatesTo });

test('of what was believed the last thousands are known, and no more', () => {
  let heard = new Heard();
  const grown = weight(() => {
    heard = new Heard();
    for (let number = 1; number <= MANY; number++) heard.believed(named(number));
    return heard;
  });
  expect(grown).toBeLessThan(1_500_000);
  const known = (number: number) => !heard.isWaitedFor(named(number));
  expect([known(MANY), known(MANY - 4_095), known(MANY - 8_192), known(1), known(MANY + 1)]).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});

test('what has no name of its own is waited for by nobody, and a message is believed for its channel alone', () => {
  const [heard, other] = [new Heard(), new Heard()];
  heard.believed(bare);
  heard.believed(named(1));
  expect([heard.isWaitedFor(bare), heard.isWaitedFor(named(1)), other.isWaitedFor(named(1))]).toEqual([
    false,
    false,
    true,
  ]);
});

test.each([
  ['answered', true],
  ['never answered', false],
])('of whoever may hear of a refusal nothing is left but the last thousands: %s', (_, isAnswered) => {
  const grown = weight(() => {
    const refusals = new Refusals();
    for (let number = 1; number <= MANY; number++) {
      const heavy = new Array<number>(40).fill(number);
      refusals.said(delivery(named(number)).with(onRefused, () => void heavy));
      if (isAnswered) refusals.answered(named(0, `urn:${number}`));
    }
    return refusals;
  });
  expect(grown).toBeLessThan(isAnswered ? 200_000 : 5_000_000);
});
