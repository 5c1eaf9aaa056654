/**
 * R12, E12: an encrypted bearer assertion, seen on a wire without TLS, set into a message of somebody who cannot read it. TLS on the
 * attacker's own connection makes it no more his than it was.
 */
import { beforeAll, expect, test } from 'vitest';
import { evidence } from '../../src/security/evidence.ts';
import { anonymousForCertificate } from '../../src/security/presets/for-certificate.ts';
import { issuedTokenForCertificate } from '../../src/security/presets/issued-token.ts';
import { saml20 } from '../../src/security/tokens/saml.ts';
import { writeAssertion } from '../../src/security/tokens/saml-write.ts';
import { soap12 } from '../../src/soap/version.ts';
import { acceptor, order, secured, start } from '../security/rig.ts';
import { draft, parties, requirement } from '../security/saml-rig.ts';
import { every, type People, people } from './encrypted-support.ts';
import { fault, receive, swap } from './support.ts';

let all: People;
let captured: string;
beforeAll(async () => {
  all = await people();
  const sts = await parties();
  const assertion = await writeAssertion(draft(saml20, {}), { key: sts.issuer.key() });
  const alice = issuedTokenForCertificate({
    peer: all.bob.certificate,
    token: () => ({ assertion, bearer: true }),
    confirmation: 'bearer',
  });
  captured = new TextDecoder().decode(await secured(alice));
});

async function service() {
  const saml = await requirement();
  return acceptor(issuedTokenForCertificate({ key: all.bob.key(), saml, confirmation: 'bearer' }));
}

test('the message that is attacked is accepted as it is', async () => {
  const end = await service();
  await end.receive(captured);
  expect(end.heard[0]?.get(evidence)?.user?.name).toContain('alice');
});

test.each([false, true])('the ciphertext of the assertion in a message of another sender, TLS: %s', async (secure) => {
  const own = anonymousForCertificate({ peer: all.bob.certificate });
  const mine = new TextDecoder().decode(await secured(own, order(soap12, 'transfer to mallory'), start, 99));
  const inSecurity = captured.slice(0, captured.indexOf('</wsse:Security>'));
  const [assertion] = every(inSecurity, 'xenc:EncryptedData');
  const id = / Id="([^"]*)"/.exec(assertion ?? '')?.[1];
  const keys = [...every(captured, 'xenc:EncryptedKey'), ...every(captured, 'wsc:DerivedKeyToken')].join('');
  const list = `<xenc:ReferenceList xmlns:xenc="http://www.w3.org/2001/04/xmlenc#"><xenc:DataReference URI="#${id}"></xenc:DataReference></xenc:ReferenceList>`;
  const attack = swap(mine, '</wsse:Security>', `${keys}${assertion}${list}</wsse:Security>`);
  const end = await service();
  const { answer, codes } = await receive({ ...end, receive: (one) => end.receive(one, { secure }) }, attack);
  expect(end.heard).toHaveLength(0);
  expect(answer).toBe(fault);
  expect(['SECURITY_TOKEN_CONFIRMATION', 'SECURITY_UNSUPPORTED']).toContain(codes[0]);
});
