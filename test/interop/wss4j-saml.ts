/** SAML 1.1 and 2.0 assertions with WSS4J (OpenSAML): issued there and validated here, issued here and validated there. */
import { describe, expect } from 'vitest';
import { instant, systemClock } from '../../src/base/clock.ts';
import { wsse } from '../../src/security/names.ts';
import { writeTimestamp } from '../../src/security/timestamp.ts';
import { type ConfirmationMethod, type SamlVersion, saml11, saml20 } from '../../src/security/tokens/saml.ts';
import { isAssertion, readAssertion } from '../../src/security/tokens/saml-assertion.ts';
import { type SamlToken, validateAssertion } from '../../src/security/tokens/saml-validate.ts';
import { writeAssertion } from '../../src/security/tokens/saml-write.ts';
import type { XmlElement } from '../../src/xml/document.ts';
import { scan } from '../../src/xml/scan.ts';
import { scenario } from './suite.ts';
import { clear, keyOf, order, trustOf } from './surewire-party.ts';
import { type Bench, inbound, outbound } from './wss4j-bench.ts';

const audience = 'urn:surewire:service';
const issuer = 'urn:surewire:issuer';
const methods: readonly ConfirmationMethod[] = ['bearer', 'holder-of-key', 'sender-vouches'];
const versions: readonly (readonly [string, SamlVersion])[] = [
  ['1.1', saml11],
  ['2.0', saml20],
];

export function saml(bench: Bench): void {
  const { all, peer } = bench;
  const requirement = {
    issuers: [{ name: issuer, trust: trustOf(all) }],
    audiences: [audience],
    confirmations: methods,
  };
  const validated = (envelope: string): Promise<SamlToken> => {
    const found = assertionIn(scan(Buffer.from(envelope)).root);
    return validateAssertion(readAssertion(found), requirement, systemClock.now());
  };

  describe('SAML assertions', () => {
    for (const [number, version] of versions) {
      for (const method of methods) {
        const title = `SAML ${number} assertion, ${method}`;
        const step = { do: 'saml', version: number, method, issuer: 'issuer', alias: 'client', audience } as const;
        scenario(inbound(bench, title), async () => {
          const { envelope } = await peer.secure(clear(), [{ do: 'timestamp' }, step]);
          const token = await validated(envelope);
          expect(token.assertion.subject?.name).toBe('alice');
          expect(token.confirmations.map((one) => one.method)).toEqual([method]);
          expect([...token.claims.attributes.values()].flat()).toEqual(['buyer']);
          const changed = envelope.replace('>buyer<', '>owner<');
          await expect(validated(changed)).rejects.toMatchObject({ code: 'SECURITY_DIGEST' });
        });
        scenario(outbound(bench, title), async () => {
          const now = systemClock.now();
          const certificate = keyOf(all.of.client).certificate;
          const assertion = await writeAssertion(
            {
              version,
              id: `_${crypto.randomUUID()}`,
              issuer,
              issued: now,
              notBefore: now,
              notOnOrAfter: instant(now + 300_000),
              audiences: [audience],
              subject: { name: 'alice' },
              confirmation: { method, ...(method === 'holder-of-key' && { holder: certificate }) },
              attributes: new Map([[version === saml11 ? 'urn:surewire:attributes/role' : 'role', ['buyer']]]),
            },
            { key: keyOf(all.of.issuer) },
          );
          const envelope = withHeader(writeTimestamp('time', now, 300_000) + assertion.toString());
          // Who is to hold the key is asked of the message's signature, which is another scenario.
          const { results } = await peer.process(envelope, { audience: [audience], confirmation: false });
          expect(results.map(({ action }) => action)).toEqual(expect.arrayContaining([16, 32]));
          await expect(
            peer.process(envelope.replace('>buyer<', '>owner<'), { audience: [audience], confirmation: false }),
          ).rejects.toThrow(/signature|SAML/i);
        });
      }
    }
  });
}

function assertionIn(element: XmlElement): XmlElement {
  const found = all(element).find(isAssertion);
  if (found === undefined) throw new Error('There is no assertion.');
  return found;
}

function all(element: XmlElement): readonly XmlElement[] {
  return [element, ...element.children.flatMap(all)];
}

function withHeader(content: string): string {
  const security = `<wsse:Security xmlns:wsse="${wsse}">${content}</wsse:Security>`;
  return clear(order()).replace('</s:Header>', `${security}</s:Header>`);
}
