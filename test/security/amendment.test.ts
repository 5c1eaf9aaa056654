/** What is added to a security context stands under the signature of its key, or it is not added (SignedEndorsingSupportingTokens). */
import { createSecretKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/base/clock.ts';
import { delivery } from '../../src/channel/delivery.ts';
import { peer } from '../../src/channel/transport.ts';
import { evidence } from '../../src/security/evidence.ts';
import { type ContextSecret, nothingShared } from '../../src/security/exchange.ts';
import { Guard } from '../../src/security/guard.ts';
import { conversationNamespaces } from '../../src/security/names.ts';
import { amendmentUnder, contextProtection } from '../../src/security/presets/context.ts';
import type { OutboundPolicy } from '../../src/security/protection.ts';
import { writeContextToken } from '../../src/security/tokens/context.ts';
import { saml20 } from '../../src/security/tokens/saml.ts';
import { encodeEnvelope } from '../../src/soap/envelope.ts';
import { type Addition, additions, byCertificate, byHolder } from '../conversation/additions.ts';
import { order, read, start } from './rig.ts';
import { draft, samlStart } from './saml-rig.ts';

const namespace = conversationNamespaces[1] ?? '';
const name = { identifier: 'urn:uuid:context', instance: undefined };
const token = { fragment: writeContextToken(namespace, 'sct-1', name), id: 'sct-1' };
const context: ContextSecret = { ...name, key: createSecretKey(new Uint8Array(32).fill(3)), namespace, token };
const contexts = { namespace, find: () => context };

/** Evidence of an amendment whose sender did not do all that the policy says. */
async function proven({ client, service }: Addition, less: Partial<OutboundPolicy> = {}) {
  const messages = contextProtection({});
  const clock = new VirtualClock(start);
  const own = amendmentUnder(messages, await client(), 'outbound');
  const careless = { ...own, outbound: { ...own.outbound, username: own.outbound.username, ...less } };
  const { message } = await new Guard(careless, { clock }, contexts).secureRequest(order(), {
    ...nothingShared,
    context,
  });
  const guard = new Guard(amendmentUnder(messages, await service(), 'inbound'), { clock }, contexts);
  const received = await guard.examineRequest(delivery(read(encodeEnvelope(message))).with(peer, { secure: true }));
  return received.delivery.get(evidence);
}

const code = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (thrown: { code?: string }) => thrown.code,
  );

describe('an amendment', () => {
  test.each(additions)('with $name proves whoever it is, and how long', async (addition) => {
    const { who } = addition;
    const found = await proven(addition);
    const one = found?.signers[0] ?? found?.user;
    expect(`${one?.kind} ${one?.name}`).toBe(who);
    const { notOnOrAfter } = draft(saml20);
    const skew = 300_000;
    const ends: Readonly<Record<string, number | undefined>> = {
      saml: (notOnOrAfter ?? samlStart) + skew,
      jwt: start + 600_000 + skew,
      x509: Date.UTC(2040, 0, 1),
    };
    expect(found?.until).toBe(ends[one?.kind ?? '']);
  });

  test.each([byCertificate, byHolder])('with $name that the key of the context did not sign', async (addition) => {
    expect(await code(proven(addition, { endorsers: false }))).toBe('SECURITY_UNSIGNED');
  });

  test('whose certificate is not in the message, so that nothing of it could be signed', async () => {
    const { endorsement } = (await byCertificate.client()).outbound;
    expect(await code(proven(byCertificate, { endorsement }))).toBe('SECURITY_UNSIGNED');
  });

  test('with an assertion whose key signs nothing, and with none', async () => {
    expect(await code(proven(byHolder, { endorsement: undefined }))).toBe('SECURITY_UNSIGNED');
    expect(await code(proven(byHolder, { endorsement: undefined, token: undefined }))).toBe('SECURITY_TOKEN');
    expect(await code(proven(byCertificate, { endorsement: undefined }))).toBe('SECURITY_UNSIGNED');
  });
});
