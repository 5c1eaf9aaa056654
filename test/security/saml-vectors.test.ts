/**
 * The SAML documents of node-saml, ruby-saml, signxml and xml-crypto, valid and attacked. Whoever uses an assertion here uses the
 * element whose own signature was verified, so the question to each assertion of each document is: is it taken, and whose
 * name does it have? Documents whose only signature is over a Response leave their assertions unsigned: refused, by that rule.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { instant } from '../../src/base/clock.ts';
import { SurewireError } from '../../src/base/errors.ts';
import { certificates } from '../../src/security/certificates.ts';
import { byUri, modernDigests, modernSignatures, unsafeRsaSha1, unsafeSha1 } from '../../src/security/suites.ts';
import { isAssertion, readAssertion } from '../../src/security/tokens/saml-assertion.ts';
import { verifyAssertion } from '../../src/security/tokens/saml-signature.ts';
import type { Trust } from '../../src/security/trust.ts';
import type { XmlElement } from '../../src/xml/document.ts';
import { scan } from '../../src/xml/scan.ts';

const folder = join(import.meta.dirname, '../../../shared/vectors');
const there = existsSync(folder);
if (!there) console.info(`SAML vectors skipped: ${folder} is absent`);

interface Case {
  readonly id: string;
  readonly file: string;
  readonly expect: string;
  readonly keys?: readonly { readonly type: string; readonly file?: string }[];
}

/** Whose assertions are genuine in these documents; every other name is an attacker's. */
const genuine: readonly RegExp[] = [
  /^(test@onelogin\.com|someone@example\.org|vincent\.vega@evil-corp\.com)$/,
  /^_ce3d2948b4cf20146dee0a0b3dd6f69b6cf86f62d7$/,
  /^492882615acf31c8096b627245d76ae53036c090$/,
];

function cases(): readonly (Case & { readonly path: string; readonly folder: string })[] {
  if (!there) return [];
  return ['node-saml', 'ruby-saml', 'signxml', 'xml-crypto'].flatMap((name) => {
    const manifest = JSON.parse(readFileSync(join(folder, name, 'MANIFEST.json'), 'utf8')) as {
      cases: readonly Case[];
    };
    return manifest.cases
      .filter((one) => /saml|response|assertion|adfs/i.test(one.file))
      .map((one) => ({ ...one, path: join(folder, name, one.file), folder: join(folder, name) }));
  });
}

function* assertions(element: XmlElement): Iterable<XmlElement> {
  if (isAssertion(element)) yield element;
  for (const one of element.children) yield* assertions(one);
}

/** The mathematics under weak keys of the past, with whatever certificate the document brings: this is no question of trust. */
const rows = {
  signatures: byUri([...modernSignatures, unsafeRsaSha1]),
  digests: byUri([...modernDigests, unsafeSha1]),
  smallestRsa: 1024,
};
/** Whatever certificate the document brings, and the one that the manifest names. */
function anyone(one: Case & { readonly folder: string }): Trust {
  const known = (one.keys ?? [])
    .filter((key) => key.type === 'cert-pem' && key.file !== undefined)
    .flatMap((key) => certificates(readFileSync(join(one.folder, key.file ?? ''), 'utf8')));
  return { known, accept: () => undefined };
}

async function taken(element: XmlElement, trust: Trust): Promise<string> {
  const assertion = readAssertion(element);
  await verifyAssertion(assertion, rows, trust, instant(0));
  return assertion.subject?.name ?? '';
}

const counts = { taken: 0, refused: new Map<string, number>() };

describe.skipIf(!there)('SAML vectors', () => {
  test.each(cases().map((one) => [`${one.id} (${one.expect})`, one] as const))('%s', async (_, one) => {
    let found: readonly XmlElement[] = [];
    try {
      found = [...assertions(scan(new Uint8Array(readFileSync(one.path))).root)];
    } catch (error) {
      expect(error).toBeInstanceOf(SurewireError);
      expect(one.expect).not.toBe('valid');
    }
    for (const element of found) {
      const result = await taken(element, anyone(one)).then(
        (name) => ({ name }),
        (error: unknown) => ({ error }),
      );
      if ('name' in result) {
        counts.taken++;
        expect(
          genuine.some((name) => name.test(result.name)),
          result.name,
        ).toBe(true);
      } else {
        expect(result.error).toBeInstanceOf(SurewireError);
        const { code } = result.error as SurewireError;
        counts.refused.set(code, (counts.refused.get(code) ?? 0) + 1);
        // Where the document is valid, an assertion that is signed itself is refused by a rule, never by mathematics.
        const signed = element.children.some((part) => part.local === 'Signature');
        if (one.expect === 'valid' && signed) {
          expect(
            ['SECURITY_TOKEN_INVALID', 'SECURITY_CERTIFICATE_MALFORMED', 'SECURITY_LIMIT', 'XML_UNEXPECTED'],
            String(result.error),
          ).toContain(code);
        }
      }
    }
  });

  test('there were assertions of every kind', () => {
    expect(counts.taken).toBeGreaterThanOrEqual(14);
    expect(counts.refused.size).toBeGreaterThanOrEqual(4);
  });

  afterAll(() => {
    console.info(`SAML vectors: ${counts.taken} assertions taken`);
    for (const [code, count] of counts.refused) console.info(`  refused, ${count}: ${code}`);
  });
});
