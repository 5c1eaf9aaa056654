/** What it costs to open: TCP, TLS 1.3, RST/SCT, CreateSequence, a round trip each. */
import { expect, test } from 'vitest';
import { roundTripsToOpen } from './opening.ts';

test('a reliable session under a security context is open after four round trips', async () => {
  expect(await roundTripsToOpen()).toBe(4);
});
