/**
 * What Metro's client and Metro's server said to each other in reliable sessions (shared captures), played against either end of
 * surewire, losses, a duplicate and a fault included: the same acknowledgements, the same reply numbers, the same end.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { instant, systemClock } from '../../src/base/clock.ts';
import { delivery } from '../../src/channel/delivery.ts';
import { algorithmSuite, unsafeSuiteSha1 } from '../../src/security/algorithm-suites.ts';
import { evidence } from '../../src/security/evidence.ts';
import { Guard } from '../../src/security/guard.ts';
import { readSecurityHeader } from '../../src/security/header.ts';
import { signingKey } from '../../src/security/keys.ts';
import { mutualCertificate } from '../../src/security/presets/for-certificate.ts';
import { readTime } from '../../src/security/timestamp.ts';
import type { Message } from '../../src/soap/message.ts';
import { cleanCaptures, hasCaptures, recorded, withoutData } from './recorded.ts';
import { expectTheSame, type Played, required } from './replay.ts';

const folder = join(import.meta.dirname, '../../../shared/captures');

const unsecured = [
  'metro-rm10',
  'metro-rm10-drop-request',
  'metro-rm10-drop-response',
  'metro-rm11',
  'metro-rm11-drop-request',
  'metro-rm11-drop-response',
  'metro-rm11-duplicate',
  'metro-rm11-fault',
  'metro-rm11-inorder',
  'metro-rm11-oneway-drop-request',
  'metro-rm11-oneway-drop-response',
  'metro-tls-rm10',
  'metro-tls-rm11',
] as const;
const signed = 'metro-mutual11-rm11';

function played(name: string): readonly Played[] {
  return recorded(name).map(({ request, response, number }) => ({
    request: required(request.message),
    response: response?.message,
    isLost: response === undefined && name.includes('drop-request'),
    cameTwice: number === 3 && name.includes('duplicate'),
  }));
}

/** Signed and encrypted with certificates: verified and decrypted at both ends, with the recorded clock. */
async function opened(name: string): Promise<readonly Played[]> {
  const own = (of: string) =>
    signingKey({
      privateKey: new Uint8Array(readFileSync(join(folder, 'pki', `${of}.key.pem`))),
      certificate: new Uint8Array(readFileSync(join(folder, 'pki', `${of}.cert.pem`))),
    });
  const [alice, bob] = [own('alice'), own('bob')];
  const suite = algorithmSuite('Basic256', { unsafe: [unsafeSuiteSha1], reading: 'as-written' });
  let now = instant(0);
  const around = { clock: { now: () => now, at: systemClock.at }, replay: { remember: () => true } };
  const common = { suite, confirmSignatures: false };
  const service = new Guard(mutualCertificate({ key: bob, peer: alice.certificate, ...common }), around);
  const client = new Guard(mutualCertificate({ key: alice, peer: bob.certificate, ...common }), around);
  const arriving = (of: Message) => {
    now = readTime(required(readSecurityHeader(of)?.timestamp?.children[0]));
    return delivery(of);
  };
  const found: Played[] = [];
  for (const { request, response } of recorded(name)) {
    const asked = await service.examineRequest(arriving(required(request.message)));
    const left = { ...asked.exchange, certificate: bob.certificate };
    const told = await client.examineReply(arriving(required(response?.message)), left);
    const proved = asked.delivery.get(evidence);
    expect(proved?.signer?.name).toContain('alice');
    found.push({
      request: asked.delivery.message,
      response: told.delivery.message,
      mark: (trip) => trip.with(evidence, proved),
    });
  }
  return found;
}

describe.skipIf(!hasCaptures)(`Metro's ends, and ours in their place ${hasCaptures ? '' : withoutData}`, () => {
  test.each(unsecured)('%s: the same decisions, acknowledgements and end at both ends', (name) =>
    expectTheSame(played(name), { ordered: name.includes('inorder'), client: 'Metro' }),
  );

  test('metro-mutual11-rm11: the same under signatures and encryption with certificates', async () => {
    await expectTheSame(await opened(signed), { ordered: false, client: 'Metro' });
  });
});

test.skipIf(!hasCaptures)('every recording of a reliable session is played somewhere', () => {
  const here: readonly string[] = [...unsecured, signed, ...cleanCaptures];
  // conversation/replayed.test.ts, connection/captures.test.ts, and captures.test.ts beside this.
  const elsewhere = /-sc-|-rm11-mc|^wcf-metro-(drop|dup|fault)-/;
  const left = readdirSync(folder).filter(
    (name) => /rm1[01]/.test(name) && !here.includes(name) && !elsewhere.test(name),
  );
  // WCF's client gave up before it said a word.
  expect(left).toEqual(['wcf-metro-user-tls-rm11']);
  expect(readdirSync(join(folder, 'wcf-metro-user-tls-rm11'))).toEqual(['RUN.txt']);
});
