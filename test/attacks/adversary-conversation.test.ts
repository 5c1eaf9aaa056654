/**
 * E2, E6 in a secure conversation: every message is decrypted under session keys, so an oracle would have all the time it wants.
 * A wrong padding, a wrong signature value and a wrong key ask for the same operations, and nothing is handed on.
 */
import { createSecretKey } from 'node:crypto';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { instant } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { SecurityError } from '../../src/security/errors.ts';
import type { ContextSecret, ContextSource } from '../../src/security/exchange.ts';
import { conversationNamespaces } from '../../src/security/names.ts';
import { contextProtection } from '../../src/security/presets/context.ts';
import { Protector } from '../../src/security/protect.ts';
import { MemoryReplayCache } from '../../src/security/replay.ts';
import { examine } from '../../src/security/verify.ts';
import { encodeEnvelope } from '../../src/soap/envelope.ts';
import type { scan } from '../../src/xml/scan.ts';
import { order, read, start } from '../security/rig.ts';
import { cbc, every, withCiphertext } from './encrypted-support.ts';
import { swap } from './support.ts';

const { operations } = vi.hoisted(() => ({ operations: [] as string[] }));

vi.mock('node:crypto', async (original) => {
  const real = await original<Record<string, unknown>>();
  const wrapped = ['createDecipheriv', 'timingSafeEqual'].map((name) => {
    const operation = real[name] as (...args: readonly unknown[]) => unknown;
    return [
      name,
      (...args: readonly unknown[]) => {
        operations.push(name);
        return operation(...args);
      },
    ];
  });
  return { ...real, ...Object.fromEntries(wrapped) };
});

vi.mock('../../src/xml/scan.ts', async (original) => {
  const real = await original<{ readonly scan: typeof scan }>();
  return {
    ...real,
    scan: (...args: Parameters<typeof scan>) => {
      operations.push('scan');
      return real.scan(...args);
    },
  };
});

const namespace = conversationNamespaces[1] ?? '';
const context: ContextSecret = {
  identifier: 'urn:uuid:c0',
  instance: undefined,
  key: createSecretKey(seededRandom(3).bytes(32)),
  namespace,
  token: undefined,
};
const contexts: ContextSource = { namespace, find: () => context };

describe.each([
  ['the signature in the clear', false],
  ['the signature encrypted', true],
])('%s', (_, encryptSignature) => {
  const policy = contextProtection({ suite: cbc, encryptSignature });
  let valid: string;
  beforeEach(async () => {
    const protector = new Protector(policy.outbound, seededRandom(1));
    const exchange = { values: [], secret: undefined, certificate: undefined, context };
    const { message } = await protector.secure(order(), instant(start), exchange);
    valid = Buffer.from(encodeEnvelope(message)).toString();
  });
  const examined = (octets: string) => {
    const around = { now: instant(start), replay: new MemoryReplayCache(), peer: undefined, contexts };
    operations.length = 0;
    return examine(read(octets), policy.inbound, around);
  };

  /** What was asked for while each was refused. */
  const pathsOf = async (all: readonly string[]): Promise<readonly string[]> => {
    const paths = new Set<string>();
    for (const one of all) {
      await expect(examined(one)).rejects.toThrow(SecurityError);
      paths.add(operations.join(' '));
    }
    return [...paths];
  };

  test('every octet of the ciphertext of the Body, and another key: one path, and nothing comes of it', async () => {
    expect((await examined(valid)).message.body.toString()).toContain('A-1');
    const data = every(valid, 'xenc:EncryptedData').at(-1) ?? '';
    const { length } = Buffer.from(/CipherValue>([^<]*)</.exec(data)?.[1] ?? '', 'base64');
    const nonces = every(valid, 'wsc:Nonce');
    const tampered = Array.from({ length }, (__, at) => {
      const changed = withCiphertext(data, (octets) => {
        octets[at] = (octets[at] ?? 0) ^ (1 + (at % 7));
        return octets;
      });
      return swap(valid, data, changed);
    });
    const ofCiphertext = await pathsOf(tampered);
    expect(ofCiphertext).toHaveLength(1);
    expect(ofCiphertext[0]).toMatch(/createDecipheriv .*timingSafeEqual$/);
    const ofKeys = await pathsOf(nonces.map((nonce) => swap(valid, nonce, nonce.replace(/>..../, '>AAAA'))));
    // A signature that is encrypted is none under another key: there is nothing to verify, whatever the Body.
    if (!encryptSignature) expect(ofKeys).toEqual(ofCiphertext);
    const value = /<ds:SignatureValue>..../.exec(valid)?.[0];
    if (value !== undefined)
      expect(await pathsOf([swap(valid, value, `${value.slice(0, -4)}AAAA`)])).toEqual(ofCiphertext);
  });
});
