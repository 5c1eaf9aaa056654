/** Signatures of X.509 tokens with WSS4J: every algorithm, digest and reference, both SOAP versions, usernames inside. */
import { describe, expect } from 'vitest';
import {
  ecdsaSha256,
  ecdsaSha384,
  ecdsaSha512,
  ed25519,
  rsaPssSha256,
  rsaPssSha384,
  rsaPssSha512,
  rsaSha256,
  rsaSha384,
  rsaSha512,
  type SignatureAlgorithm,
  sha256,
  sha384,
  sha512,
  unsafeRsaSha1,
  unsafeSha1,
} from '../../src/security/suites.ts';
import { soap11, soap12 } from '../../src/soap/version.ts';
import type { PartyName } from './parties.ts';
import { scenario } from './suite.ts';
import { made, order, signing } from './surewire-party.ts';
import { accepts, type Bench, everyPart, inbound, isAccepted, outbound } from './wss4j-bench.ts';

const algorithms: readonly (readonly [name: string, row: SignatureAlgorithm, who: PartyName])[] = [
  ['RSA-SHA256', rsaSha256, 'client'],
  ['RSA-SHA384', rsaSha384, 'client'],
  ['RSA-SHA512', rsaSha512, 'client'],
  ['RSA-SHA1 (unsafe)', unsafeRsaSha1, 'client'],
  ['RSA-PSS-SHA256', rsaPssSha256, 'client'],
  ['RSA-PSS-SHA384', rsaPssSha384, 'client'],
  ['RSA-PSS-SHA512', rsaPssSha512, 'client'],
  ['Ed25519', ed25519, 'ed25519'],
  ['ECDSA-SHA256 with P-256', ecdsaSha256, 'p256'],
  ['ECDSA-SHA384 with P-384', ecdsaSha384, 'p384'],
  ['ECDSA-SHA512 with P-521', ecdsaSha512, 'p521'],
  ['ECDSA-SHA512 with P-256', ecdsaSha512, 'p256'],
  ['ECDSA-SHA256 with P-521', ecdsaSha256, 'p521'],
];
const digests = [sha256, sha384, sha512] as const;
/** Our names of references, and the oracle's. */
const references = [
  ['direct', 'direct'],
  ['thumbprint', 'thumbprint'],
  ['key-identifier', 'ski'],
  ['issuer-serial', 'issuer-serial'],
] as const;

export function signatures(bench: Bench): void {
  const { all } = bench;
  const timestamp = { do: 'timestamp' } as const;

  describe('signatures', () => {
    for (const [name, row, who] of algorithms) {
      const weak =
        row === unsafeRsaSha1 ? { accept: { signatures: [row], digests: [unsafeSha1] }, digest: unsafeSha1 } : {};
      const digest = row === unsafeRsaSha1 ? unsafeSha1 : sha256;
      const title = `signature ${name}`;
      scenario(inbound(bench, title), () =>
        accepts(bench, signing(all, 'service', weak), [
          timestamp,
          { do: 'signature', alias: who, algorithm: row.uri, digest: digest.uri, parts: everyPart() },
        ]),
      );
      scenario(outbound(bench, title), async () => {
        const policy = signing(all, who, { algorithm: row, ...weak });
        const { results } = await isAccepted(bench, policy);
        expect(results.find(({ action }) => action === 2)?.subject).toBe(`CN=${who},O=surewire,C=CH`);
        const changed = (await made(policy)).replace('<o:Sku>A-1', '<o:Sku>A-2');
        await expect(bench.peer.process(changed)).rejects.toThrow(/signature|digest/i);
      });
    }
    for (const digest of digests) {
      scenario(inbound(bench, `digest ${digest.hash}`), () =>
        accepts(bench, signing(all, 'service'), [
          timestamp,
          { do: 'signature', alias: 'client', digest: digest.uri, parts: everyPart() },
        ]),
      );
      scenario(outbound(bench, `digest ${digest.hash}`), async () => {
        await isAccepted(bench, signing(all, 'client', { digest }));
      });
    }
    for (const [reference, theirs] of references) {
      for (const version of [soap11, soap12]) {
        const title = `reference ${reference}, SOAP ${version.name}`;
        scenario(inbound(bench, title), () =>
          accepts(
            bench,
            signing(all, 'service'),
            [timestamp, { do: 'signature', alias: 'client', reference: theirs, parts: everyPart(version) }],
            order(version),
          ),
        );
        scenario(outbound(bench, title), async () => {
          await isAccepted(bench, signing(all, 'client', { reference }), {}, order(version));
        });
      }
    }
    scenario(inbound(bench, 'signed token (token protection)'), () =>
      accepts(bench, signing(all, 'service'), [
        timestamp,
        { do: 'signature', alias: 'client', token: true, parts: everyPart() },
      ]),
    );
    scenario(outbound(bench, 'signed token (token protection)'), async () => {
      const { results } = await isAccepted(bench, signing(all, 'client', { signToken: true }));
      expect(results.find(({ action }) => action === 2)?.covered.join()).toContain('BinarySecurityToken');
    });
    scenario(inbound(bench, 'without InclusiveNamespaces'), () =>
      accepts(bench, signing(all, 'service'), [
        timestamp,
        { do: 'signature', alias: 'client', prefixes: false, parts: everyPart() },
      ]),
    );
  });
}
