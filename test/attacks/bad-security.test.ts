/**
 * Bad input to message security, in one table: whatever is wrong, the wire says one sentence; at home the error says by its code, its
 * message and its cause which part, which reference and which rule, and what to do. Messages of CXF, Metro and WSS4J.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { expect, test } from 'vitest';
import { SecurityError } from '../../src/security/errors.ts';
import { type Issued, issue } from '../security/pki.ts';
import { Letter } from './letter.ts';
import { signedBy } from './peer-pen.ts';
import { type Change, cxf, metro, metroContext, type PeerScene, type Target, wss4jRsa } from './peer-stage.ts';
import { fault } from './support.ts';

let other: Promise<Issued> | undefined;
const stranger = () => (other ??= issue({ name: 'client', kind: 'rsa' }));

const saying =
  (local: string, text: string, inside?: string): Change =>
  (letter) =>
    letter.saying(letter.one(local, inside === undefined ? undefined : letter.one(inside)), text);
const naming =
  (local: string, inside?: string): Change =>
  (letter) =>
    letter.changed(
      letter.one(local, inside === undefined ? undefined : letter.one(inside)),
      /Algorithm="[^"]*"/,
      'Algorithm="urn:none"',
    );
const shorter =
  (octets: number): Change =>
  (letter) => {
    const value = letter.one('CipherValue', letter.body);
    return letter.saying(value, Buffer.from(value.text, 'base64').subarray(0, -octets).toString('base64'));
  };
const later =
  (ms: number) =>
  async (letter: Letter, { clock }: PeerScene) => {
    await clock.advance(ms);
    return letter;
  };

/** Once a key is in use there is one cause, and no part is named: which of them it was could be asked for (invariant of E2). */
type Cause = readonly [code: string, what: string];
type Row = readonly [name: string, target: Target, change: Change, code: string, says: RegExp, cause?: Cause];

const rows: readonly Row[] = [
  [
    'signed with another key',
    metro,
    saying('SignatureValue', `${'A'.repeat(342)}==`),
    'SECURITY_SIGNATURE',
    /^The signature value does not belong to SignedInfo and the key\..* look for what rewrites it\.$/,
  ],
  [
    'signed with another secret',
    metroContext,
    saying('Nonce', Buffer.alloc(18).toString('base64')),
    'SECURITY_SIGNATURE',
    /^The signature value does not belong to SignedInfo and the key\./,
  ],
  [
    'encrypted with another key',
    cxf,
    saying('CipherValue', Buffer.alloc(256, 1).toString('base64'), 'EncryptedKey'),
    'SECURITY_DECRYPTION',
    /^An encrypted part cannot be decrypted\. See the cause/,
    ['SECURITY_KEY', 'Key, ciphertext and plaintext do not belong together.'],
  ],
  [
    'without its token',
    metro,
    (letter) => letter.without(letter.one('BinarySecurityToken')),
    'SECURITY_TOKEN',
    /^There is no BinarySecurityToken "#uuid_[-\da-f]+" here\. Let the sender include its certificate/,
  ],
  [
    'without its context',
    metroContext,
    (letter) => letter.without(letter.one('SecurityContextToken')),
    'SECURITY_TOKEN',
    /^There is no token "#uuid-[-\da-f]+"\. Let the sender/,
  ],
  [
    'an unknown signature',
    wss4jRsa,
    naming('SignatureMethod'),
    'SECURITY_ALGORITHM',
    /^SignatureMethod "urn:none" is not accepted\. Let the sender use an algorithm of the policy/,
  ],
  [
    'an unknown digest',
    wss4jRsa,
    naming('DigestMethod'),
    'SECURITY_ALGORITHM',
    /^DigestMethod "urn:none" is not accepted\. Let the sender use an algorithm of the policy/,
  ],
  [
    'an unknown cipher',
    cxf,
    naming('EncryptionMethod', 'Body'),
    'SECURITY_DECRYPTION',
    /See the cause/,
    ['SECURITY_ALGORITHM', 'The policy does not accept "urn:none".'],
  ],
  [
    'no base64 in the signature',
    wss4jRsa,
    saying('SignatureValue', '####'),
    'SECURITY_MALFORMED',
    /^SignatureValue does not hold base64\. .*Basic Security Profile 1\.1\.$/,
  ],
  [
    'no base64 in the token',
    metro,
    saying('BinarySecurityToken', '####'),
    'SECURITY_MALFORMED',
    /^BinarySecurityToken does not hold base64\. .*Basic Security Profile 1\.1\.$/,
  ],
  [
    'no base64 in the ciphertext',
    metroContext,
    saying('CipherValue', '####'),
    'SECURITY_DECRYPTION',
    /See the cause/,
    ['SECURITY_MALFORMED', 'CipherValue does not hold base64.'],
  ],
  [
    'ciphertext of GCM that ends too early',
    cxf,
    shorter(1),
    'SECURITY_DECRYPTION',
    /See the cause/,
    ['SECURITY_KEY', 'Key, ciphertext and plaintext do not belong together.'],
  ],
  [
    'ciphertext of CBC that ends too early',
    metroContext,
    shorter(16),
    'SECURITY_DECRYPTION',
    /See the cause/,
    ['SECURITY_KEY', 'Key, ciphertext and plaintext do not belong together.'],
  ],
  [
    'a message that is over',
    metro,
    later(700_000),
    'SECURITY_TIMESTAMP_EXPIRED',
    /^The message is stale since 100000 ms\. Synchronize the clocks/,
  ],
  [
    'a certificate of an unknown authority',
    wss4jRsa,
    signedBy(stranger, (letter) => letter),
    'SECURITY_CERTIFICATE_UNTRUSTED',
    /^There is no valid path from CN=client \(issued by CN=client\) to an anchor.* Add the issuing CA to the anchors/,
  ],
  [
    'a part that was changed',
    wss4jRsa,
    saying('Action', 'urn:evil'),
    'SECURITY_DIGEST',
    /^The part "#id-[-\da-f]+" was changed\. .*look for what rewrites it\.$/,
  ],
];

const cases = rows.map(([name, target, change, code, says, cause]) => ({ name, target, change, code, says, cause }));

test.each(cases)('$name', async ({ target, change, code, says, cause }) => {
  const scene = await target.scene();
  const result = await change(new Letter(scene.valid), scene);
  const refusals: { readonly code: string; readonly message: string; readonly cause: unknown }[] = [];
  const listen = (event: unknown) => {
    const { event: name, ...refusal } = event as { event: string } & (typeof refusals)[number];
    if (name === 'message.refused') refusals.push(refusal);
  };
  subscribe('surewire:security', listen);
  const { answer } = await scene.receive(result instanceof Letter ? result.text : result);
  unsubscribe('surewire:security', listen);
  expect(answer).toBe(fault);
  expect(scene.heard).toEqual([]);
  const [refusal] = refusals;
  expect(refusal).toMatchObject({ code, message: expect.stringMatching(says) });
  const reason = refusal?.cause;
  expect(reason instanceof SecurityError ? [reason.code, reason.what] : undefined).toEqual(cause);
});
