/** Whatever octet of a signed message is changed: what is heard, if anything, is what was signed. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { instant } from '../../src/base/clock.ts';
import { SurewireError } from '../../src/base/errors.ts';
import { examine } from '../../src/security/verify.ts';
import { encodeEnvelope } from '../../src/soap/envelope.ts';
import { policyOf, read, start } from '../security/rig.ts';
import { cut, prepare, type Stage } from './support.ts';

const seed = 20261122;
let stage: Stage;
let expected: string;
beforeAll(async () => {
  stage = await prepare();
  expected = await heard(Buffer.from(stage.valid));
});

/** What would go upward, canonical; throws a `SurewireError` when the message is refused. */
async function heard(octets: Uint8Array): Promise<string> {
  const policy = policyOf(stage.pki.service, stage.pki.root);
  const around = { now: instant(start), replay: { remember: () => true }, peer: undefined };
  const { message } = await examine(read(octets), policy.inbound, around);
  return `${message.action} ${new TextDecoder().decode(encodeEnvelope(message))}`;
}

describe(`one octet changed (seed ${seed})`, () => {
  test.each([
    'a:Action',
    'a:MessageID',
    'a:ReplyTo',
    'a:To',
    'r:Sequence',
    'r:AckRequested',
    'r:SequenceAcknowledgement',
    'wsu:Timestamp',
    's:Body',
  ])('in the signed %s: refused', async (name) => {
    const part = cut(stage.valid, name);
    const from = stage.valid.indexOf(part);
    await fc.assert(
      fc.asyncProperty(fc.nat(part.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const octets = Buffer.from(stage.valid);
        octets[from + at] = (octets[from + at] ?? 0) ^ flip;
        const outcome = await heard(octets).catch((error: unknown) => error);
        // White space in a tag and another quote have the same canonical form: then the same is heard.
        if (typeof outcome === 'string') expect(outcome).toBe(expected);
        else expect(outcome).toBeInstanceOf(SurewireError);
      }),
      { seed, numRuns: 60 },
    );
  });

  test('anywhere: refused, or the same is heard', async () => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(stage.valid.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const octets = Buffer.from(stage.valid);
        octets[at] = (octets[at] ?? 0) ^ flip;
        const outcome = await heard(octets).catch((error: unknown) => error);
        if (typeof outcome === 'string') expect(outcome).toBe(expected);
        else {
          expect(outcome).toBeInstanceOf(SurewireError);
          refused++;
        }
      }),
      { seed, numRuns: 600 },
    );
    expect(refused).toBeGreaterThan(500);
  });

  test('an octet taken out or put in: refused, or the same is heard', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(stage.valid.length - 1), fc.option(fc.nat(255)), async (at, put) => {
        const octets = Buffer.from(stage.valid);
        const changed = Buffer.concat([
          octets.subarray(0, at),
          Buffer.from(put === null ? [] : [put]),
          octets.subarray(put === null ? at + 1 : at),
        ]);
        const outcome = await heard(changed).catch((error: unknown) => error);
        if (typeof outcome === 'string') expect(outcome).toBe(expected);
        else expect(outcome).toBeInstanceOf(SurewireError);
      }),
      { seed, numRuns: 300 },
    );
  });
});
