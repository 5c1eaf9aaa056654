/**
 * How a policy has certificates named (WS-SecurityPolicy 1.3 sections 5.1.1 and 5.4.3: IncludeToken, Require…Reference): the messages of
 * the binding that is made from it do so, or it is refused by name.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SecurityDescription } from '../../src/binding/description.ts';
import { policyOf } from '../../src/binding/policies.ts';
import { delivery } from '../../src/channel/delivery.ts';
import { peer } from '../../src/channel/transport.ts';
import { type DescribedPort, describeWsdl } from '../../src/metadata/import.ts';
import { policyVersions } from '../../src/metadata/namespaces.ts';
import { writeWsdl } from '../../src/metadata/wsdl-writer.ts';
import { nothingShared } from '../../src/security/exchange.ts';
import { Guard } from '../../src/security/guard.ts';
import type { SecurityPolicy } from '../../src/security/protection.ts';
import { trustPeers } from '../../src/security/trust.ts';
import { addressing200508, withAddressing } from '../../src/soap/addressing.ts';
import { decode, encode } from '../../src/soap/codec.ts';
import { message } from '../../src/soap/envelope.ts';
import { soap12 } from '../../src/soap/version.ts';
import { orders } from '../binding/rig.ts';
import { issue } from '../security/pki.ts';
import { inner, parts, wsdlText } from './wsdl-text.ts';

const namespace = 'http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702';
const forms = [
  ['RequireThumbprintReference', 'thumbprint', 'ThumbprintSHA1'],
  ['RequireKeyIdentifierReference', 'key-identifier', 'X509SubjectKeyIdentifier'],
  ['RequireIssuerSerialReference', 'issuer-serial', 'X509IssuerSerial'],
] as const;

let folder: string;
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'surewire-wsdl-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function read(policy: string): Promise<DescribedPort> {
  const file = join(folder, `${count++}.wsdl`);
  await writeFile(file, wsdlText({ policy }));
  return describeWsdl(file);
}

async function security(policy: string): Promise<SecurityDescription> {
  const { security } = (await read(policy)).description;
  if (security === undefined) throw new Error('There is security.');
  return security;
}

const refusal = (policy: string) =>
  read(policy).then(
    () => 'read',
    (thrown: { code?: string; message: string }) => `${thrown.code}: ${thrown.message}`,
  );

const named = (local: string, include: string, ...demands: readonly string[]) =>
  `<sp:${local} sp:IncludeToken="${namespace}/IncludeToken/${include}">${inner(demands.map((one) => `<sp:${one}/>`).join(''))}</sp:${local}>`;
const x509 = (include: string, ...demands: readonly string[]) =>
  named('X509Token', include, ...demands, 'WssX509V3Token10');
const endorsing = (token: string) => `<sp:EndorsingSupportingTokens>${inner(token)}</sp:EndorsingSupportingTokens>`;
const overTls = (token: string, more = '') => `${parts.transport}${endorsing(token)}${more}`;
const symmetric = (protection: string, token: string) =>
  `<sp:SymmetricBinding>${inner(`<sp:ProtectionToken>${inner(protection)}</sp:ProtectionToken>${parts.suite}`)}</sp:SymmetricBinding>${endorsing(token)}${parts.body}<sp:Wss11>${inner('')}</sp:Wss11>`;
const asymmetric = (initiator: string, recipient: string, more = '', protectedParts = parts.body) =>
  `<sp:AsymmetricBinding>${inner(`<sp:InitiatorToken>${inner(initiator)}</sp:InitiatorToken><sp:RecipientToken>${inner(recipient)}</sp:RecipientToken>${parts.suite}${more}`)}</sp:AsymmetricBinding>${protectedParts}<sp:Wss10>${inner('')}</sp:Wss10>`;

const root = await issue({ name: 'references', kind: 'rsa', ca: true });
const [service, client] = await Promise.all(
  ['service', 'client'].map((name) => issue({ name, kind: 'rsa', keyUsage: 0xa0 }, root)),
);
if (service === undefined || client === undefined) throw new Error('There are two.');

const ends = (of: SecurityDescription): readonly [client: SecurityPolicy, service: SecurityPolicy] => [
  policyOf(of, true, { key: client.key(), peer: service.certificate.der }),
  of.mode === 'CertificateOverTransport'
    ? policyOf(of, true, { trust: trustPeers(client.certificate) })
    : policyOf(of, true, { key: service.key(), peer: client.certificate.der }),
];

/** What goes over the wire, which the other end takes. */
async function exchanged(of: SecurityDescription): Promise<readonly [request: string, reply: string]> {
  const [ours, theirs] = ends(of).map((policy) => new Guard(policy));
  if (ours === undefined || theirs === undefined) throw new Error('There are two.');
  const said = withAddressing(message({ version: soap12 }), {
    version: addressing200508,
    action: 'urn:orders:place',
    to: 'https://orders.example/soap',
    messageId: 'urn:uuid:1',
  });
  const over = (octets: ReturnType<typeof encode>) =>
    delivery(decode(octets.body, octets.contentType)).with(peer, { secure: true });
  const secured = await ours.secureRequest(said);
  const request = encode(secured.message);
  const taken = await theirs.examineRequest(over(request));
  const answered = await theirs.secureReply(said, taken.exchange);
  const reply = encode(answered.message);
  await ours.examineReply(over(reply), { ...nothingShared, ...secured.exchange });
  return [new TextDecoder().decode(request.body), new TextDecoder().decode(reply.body)];
}

describe.each(forms)('%s', (demand, form, word) => {
  test('over TLS: the certificate is not in the message, which names it so', async () => {
    const of = await security(overTls(x509('Never', demand)));
    expect(of.references).toEqual({ client: form });
    const [request] = await exchanged(of);
    expect(request).toContain(word);
    expect(request).not.toContain('BinarySecurityToken');
  });

  test('in the symmetric binding: of the client, and of the service that messages are encrypted for', async () => {
    const of = await security(symmetric(x509('Never', demand), x509('Never', demand)));
    expect(of.references).toEqual({ client: form, ...(form === 'thumbprint' ? {} : { reader: form }) });
    const [request] = await exchanged(of);
    expect(request).not.toContain('BinarySecurityToken');
    expect(ends(of)[0].outbound.encryption?.reference).toBe(form);
    expect(ends(of)[0].outbound.endorsement).toMatchObject({ reference: form });
  });

  test('in the asymmetric binding: of the client, and of the service in what it signs and what is encrypted for it', async () => {
    const of = await security(asymmetric(x509('Never', demand), x509('Never', demand)));
    const [request, reply] = await exchanged(of);
    for (const text of [request, reply]) {
      expect(text).toContain(word);
      expect(text).not.toContain('BinarySecurityToken');
    }
    const [ours, theirs] = ends(of);
    expect(ours.outbound.encryption?.reference).toBe(form);
    expect(ours.outbound.signature).toMatchObject({ reference: form });
    expect(theirs.reply.outbound.signature).toMatchObject({ reference: form });
  });

  test('one that is in the message needs no other name (AlwaysToRecipient)', async () => {
    const of = await security(overTls(x509('AlwaysToRecipient', demand)));
    expect(of.references).toBeUndefined();
    expect((await exchanged(of))[0]).toContain('BinarySecurityToken');
  });

  test.each(policyVersions)('what is read is written so again, WS-Policy $name', async (policy) => {
    for (const text of [
      overTls(x509('Never', demand)),
      symmetric(x509('Never', demand), x509('Never', demand)),
      asymmetric(x509('Never', demand), x509('Never', demand)),
    ]) {
      const { description } = await read(text);
      const file = join(folder, `${count++}.wsdl`);
      const address = new URL('https://orders.example/soap');
      await writeFile(file, writeWsdl({ contract: orders, description, address, policy }).bytes);
      const again = await describeWsdl(file, 'OrdersPort');
      expect(again.description.security?.references).toEqual(description.security?.references);
    }
  });
});

test('a certificate that is not in the message has a name where the policy demands none', async () => {
  expect((await security(overTls(x509('Never')))).references).toEqual({ client: 'thumbprint' });
  const older = `<sp:Wss10>${inner('')}</sp:Wss10>`;
  expect((await security(overTls(x509('Never'), older))).references).toEqual({ client: 'key-identifier' });
  expect((await security(asymmetric(x509('Never'), x509('Never')))).references).toEqual({ client: 'key-identifier' });
});

test('Once is every time, and is said to be', async () => {
  const { description, notes } = await read(overTls(x509('Once')));
  expect(description.security?.references).toBeUndefined();
  expect(notes).toEqual([{ line: 8, text: 'X509Token: it is in every message (Once)' }]);
});

const user = (include: string) =>
  `${parts.transport}<sp:SignedSupportingTokens>${inner(named('UsernameToken', include, 'WssUsernameToken10'))}</sp:SignedSupportingTokens>`;
const signedOnly = '<sp:SignedParts><sp:Body/></sp:SignedParts>';

test.each([
  [
    'a reference with the certificate within',
    overTls(x509('Never', 'RequireEmbeddedTokenReference')),
    /RequireEmbeddedTokenReference/,
  ],
  [
    'two names at once',
    overTls(x509('Never', 'RequireThumbprintReference', 'RequireIssuerSerialReference')),
    /RequireIssuerSerialReference.*one way/,
  ],
  ['a user name that is not sent', user('Never'), /UsernameToken.*IncludeToken Never/],
  ['an IncludeToken that is none', overTls(x509('Sometimes')), /X509Token.*IncludeToken/],
  [
    'a signed certificate that is not there',
    asymmetric(x509('Never'), x509('Never'), '<sp:ProtectTokens/>'),
    /X509Token.*ProtectTokens/,
  ],
  [
    'names where nothing is encrypted',
    asymmetric(x509('Never'), x509('Never'), '', signedOnly),
    /AsymmetricBinding.*nothing is encrypted/,
  ],
])('refused by name: %s', async (_, policy, says) => {
  expect(await refusal(policy)).toMatch(/^METADATA_UNSUPPORTED: /);
  expect(await refusal(policy)).toMatch(says);
});
