/** Signatures of X.509 tokens with WSS4J: every algorithm, digest and reference, both SOAP versions, usernames inside. */
import { describe, expect } from 'vitest';
import { sha256 } from '../../src/security/suites.ts';
import { soap11, soap12 } from '../../src/soap/version.ts';
import { digestRows, furtherSignatureRows, signatureRows, unlessWeak } from './signature-rows.ts';
import { scenario } from './suite.ts';
import { made, order, signing } from './surewire-party.ts';
import { accepts, type Bench, everyPart, inbound, isAccepted, outbound } from './wss4j-bench.ts';

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
    for (const [name, row, who] of [...signatureRows, ...furtherSignatureRows]) {
      const weak = unlessWeak(row);
      const { digest = sha256 } = weak;
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
    for (const digest of digestRows) {
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
    scenario(inbound(bench, 'reference path (PKIPath)'), () =>
      accepts(bench, signing(all, 'service'), [
        timestamp,
        { do: 'signature', alias: 'client', reference: 'direct', path: true, parts: everyPart() },
      ]),
    );
    scenario(outbound(bench, 'reference path (PKIPath)'), async () => {
      await isAccepted(bench, signing(all, 'client', { reference: 'path' }));
    });
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
