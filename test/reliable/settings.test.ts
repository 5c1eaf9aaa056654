/** WCF's names, defaults and ranges (ReliableSessionBindingElement), and the limits that are ours. */
import { describe, expect, test } from 'vitest';
import { type ReliableSessionOptions, settingsOf } from '../../src/reliable/settings.ts';

const wcf = [
  ['acknowledgementInterval', 200, 1],
  ['inactivityTimeout', 600_000, 1],
  ['maxPendingChannels', 4, 1],
  ['maxRetryCount', 8, 1],
  ['maxTransferWindowSize', 8, 1],
] as const;

const counts = [
  'maxPendingChannels',
  'maxRetryCount',
  'maxTransferWindowSize',
  'maxUnsettled',
  'maxHeldBytes',
  'maxSessions',
  'maxSessionsPerIdentity',
] as const;

const given = (name: keyof ReliableSessionOptions, value: number) => () => settingsOf({ [name]: value });
const refused = expect.objectContaining({ code: 'RELIABLE_SETTING' });

describe.each(wcf)('%s', (name, usual, least) => {
  test(`is ${usual} where nothing is said`, () => {
    expect(settingsOf({})[name]).toBe(usual);
  });

  test(`is ${least} at least`, () => {
    expect(given(name, least)()[name]).toBe(least);
    for (const value of [least - 1, 0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(given(name, value)).toThrow(refused);
    }
  });
});

test.each([
  ['maxPendingChannels', 16_384],
  ['maxTransferWindowSize', 4_096],
] as const)('%s is %d at most', (name, greatest) => {
  expect(given(name, greatest)()[name]).toBe(greatest);
  expect(given(name, greatest + 1)).toThrow(refused);
});

test.each(counts)('%s is a whole number', (name) => {
  expect(given(name, 2.5)).toThrow(refused);
});

test('flow control and order are on, as in WCF, and timeouts are a minute', () => {
  const { flowControlEnabled, ordered, openTimeout, closeTimeout } = settingsOf({});
  expect([flowControlEnabled, ordered, openTimeout, closeTimeout]).toEqual([true, true, 60_000, 60_000]);
});
