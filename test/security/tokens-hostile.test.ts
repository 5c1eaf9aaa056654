/**
 * Readers of tokens under octets that somebody changed at random: whatever comes, they answer, with a value or an error of this
 * library, in bounded time; and what they take is what was signed. The seed is printed when it fails.
 */
import { createSecretKey, KeyObject } from 'node:crypto';
import fc from 'fast-check';
import { SignJWT } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { utf8 } from '../../src/base/bytes.ts';
import { type Instant, instant } from '../../src/base/clock.ts';
import { SurewireError } from '../../src/base/errors.ts';
import { seededRandom } from '../../src/base/random.ts';
import { MODERN, writePkcs12 } from '../../src/certificates/pkcs12.ts';
import { signingKeyFromPkcs12 } from '../../src/security/keys.ts';
import { wsse } from '../../src/security/names.ts';
import { MemoryReplayCache } from '../../src/security/replay.ts';
import { readPkcs7, readPkiPath, writePkiPath } from '../../src/security/tokens/certificate-paths.ts';
import { verifyJwt } from '../../src/security/tokens/jwt.ts';
import { acceptKerberos, isKerberosToken, writeKerberosToken } from '../../src/security/tokens/kerberos.ts';
import { readTokenReference } from '../../src/security/tokens/reference.ts';
import { saml11, saml20 } from '../../src/security/tokens/saml.ts';
import { readDerivingToken, writeDerivingToken } from '../../src/security/tokens/username-key.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { scan } from '../../src/xml/scan.ts';
import { draft, parties, validated, written } from './saml-rig.ts';

const now: Instant = instant(Date.UTC(2026, 10, 22, 12));

/** Some octets replaced, removed or repeated. */
const changes = fc.array(
  fc.record({ at: fc.nat(), octet: fc.nat(255), kind: fc.constantFrom('replace', 'remove', 'repeat') }),
  { minLength: 1, maxLength: 4 },
);
function changed(octets: Uint8Array, by: readonly { at: number; octet: number; kind: string }[]): Uint8Array {
  const list = [...octets];
  for (const { at, octet, kind } of by) {
    const index = at % Math.max(1, list.length);
    if (kind === 'replace') list[index] = octet;
    else if (kind === 'remove') list.splice(index, 1 + (octet % 8));
    else list.splice(index, 0, ...list.slice(index, index + 1 + (octet % 16)));
  }
  return Uint8Array.from(list);
}

/** Runs a reader over changed octets; `unharmed` judges what it took. */
async function hostile(
  octets: Uint8Array,
  read: (octets: Uint8Array) => unknown,
  unharmed: (value: unknown) => boolean = () => true,
  runs = 300,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(changes, async (by) => {
      try {
        expect(unharmed(await read(changed(octets, by)))).toBe(true);
      } catch (error) {
        expect(error, String(error)).toBeInstanceOf(SurewireError);
      }
    }),
    { numRuns: runs },
  );
}

let texts: readonly Uint8Array[];
beforeAll(async () => {
  texts = await Promise.all([saml11, saml20].map(async (version) => utf8(await written(draft(version)))));
});

describe('changed at random', () => {
  test('assertions: nothing but what was signed is taken', async () => {
    for (const text of texts)
      await hostile(
        text,
        async (octets) => (await validated(Buffer.from(octets).toString('latin1'))).claims,
        (claims) => {
          const { subject, issuer, attributes } = claims as {
            subject: string;
            issuer: string;
            attributes: ReadonlyMap<string, readonly string[]>;
          };
          return (
            subject === 'alice@example.org' &&
            issuer === 'https://sts.example/' &&
            attributes.get('urn:claims/role')?.join() === 'buyer,R&D'
          );
        },
      );
  });
  test('JSON Web Tokens: nothing but what was signed is taken', async () => {
    const key = createSecretKey(Buffer.alloc(32, 1));
    const text = await new SignJWT({ iss: 'i', aud: 'a', sub: 'alice', exp: now / 1_000 + 60 })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(key);
    await hostile(
      utf8(text),
      (octets) =>
        verifyJwt(
          Buffer.from(octets).toString('latin1'),
          { issuers: [{ name: 'i', keys: key }], audiences: ['a'] },
          now,
          new MemoryReplayCache(),
        ),
      (token) => (token as { claims: { subject: string } }).claims.subject === 'alice',
    );
  });
  test('paths, references, tokens of passwords, PKCS#12 files', async () => {
    const { issuer, holder } = await parties();
    const path = writePkiPath([holder.certificate, issuer.certificate]);
    await hostile(path, readPkiPath);
    await hostile(path, readPkcs7);
    const reference = `<w:SecurityTokenReference xmlns:w="${wsse}"><w:KeyIdentifier ValueType="http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#ThumbprintSHA1">AAAAAAAA</w:KeyIdentifier></w:SecurityTokenReference>`;
    await hostile(utf8(reference), (octets) => readTokenReference(scan(octets).root));
    const { token } = writeDerivingToken('u', { user: 'a', password: 'b' }, 'mac', seededRandom(1));
    await hostile(token.bytes, (octets) => readDerivingToken(scan(octets).root));
    const content = {
      friendlyName: 'k',
      privateKey: KeyObject.from(holder.pair.privateKey),
      certificates: [holder.certificate.der],
    };
    await hostile(writePkcs12(content, 'x', MODERN), (octets) => signingKeyFromPkcs12(octets, 'x'), undefined, 60);
  });
});

test('Kerberos is carried, and judged by the provider of the application', async () => {
  const { element } = XmlFragment.parse(writeKerberosToken('k', utf8('AP-REQ')).bytes);
  expect(isKerberosToken(element)).toBe(true);
  const session = { principal: 'alice@EXAMPLE', key: createSecretKey(Buffer.alloc(32)) };
  const request = () => Promise.reject(new Error('not here'));
  const heard: string[] = [];
  const accept = async (apReq: Uint8Array, wrapped: boolean) => {
    heard.push(`${Buffer.from(apReq)} ${wrapped}`);
    return session;
  };
  expect(await acceptKerberos(element, { request, accept })).toBe(session);
  expect(heard).toEqual(['AP-REQ true']);
  await expect(
    acceptKerberos(element, { request, accept: () => Promise.reject(new Error('clock')) }),
  ).rejects.toMatchObject({
    code: 'SECURITY_TOKEN_INVALID',
  });
});
