/**
 * Messages that are signed and encrypted, changed, under the presets of both bindings. Whatever any of them accepts delivers what
 * somebody sent under it.
 */
import { anonymousForCertificate } from '../../src/security/presets/for-certificate.ts';
import { mutualCertificateWss10 } from '../../src/security/presets/mutual-certificate-wss10.ts';
import type { SecurityPolicy } from '../../src/security/protection.ts';
import { issue } from '../security/pki.ts';
import { order, secured, start } from '../security/rig.ts';
import { hand } from './hand.ts';
import { Finding, type Target } from './target.ts';

export async function messageTarget(): Promise<Target> {
  const [client, service] = await Promise.all(
    ['client', 'service'].map((name) => issue({ name, kind: 'rsa', keyUsage: 0xa0 })),
  );
  if (client === undefined || service === undefined) throw new Error('no keys');
  const plain = { encryptSignature: false, confirmSignatures: false } as const;
  const pairs: readonly (readonly [sends: SecurityPolicy, receives: SecurityPolicy])[] = [
    ...(['sign-encrypt', 'encrypt-sign'] as const).map(
      (way) =>
        [
          mutualCertificateWss10({ key: client.key(), peer: service.certificate, order: way }),
          mutualCertificateWss10({ key: service.key(), peer: client.certificate, order: way }),
        ] as const,
    ),
    ...[{}, { ...plain, derivedKeys: false }, { ...plain, order: 'encrypt-sign' as const }].map(
      (options) =>
        [
          anonymousForCertificate({ peer: service.certificate, ...options }),
          anonymousForCertificate({ key: service.key(), ...options }),
        ] as const,
    ),
  ];
  const seeds: string[] = [];
  const genuine = new Set<string>();
  for (const [sends, receives] of pairs) {
    const octets = await secured(sends, order(undefined, `number ${seeds.length}`), start, seeds.length);
    const { delivered, said } = await hand(receives, octets);
    if (delivered === undefined) throw new Error(`a seed is not accepted: ${said}`);
    genuine.add(delivered);
    seeds.push(Buffer.from(octets).toString());
  }
  const policies = pairs.map(([, receives]) => receives);
  let turn = 0;
  return {
    name: 'message',
    seeds,
    async handle(octets) {
      let last = '';
      // Two of the policies each time: whose message it was is not known.
      for (let time = 0; time < 2; time++) {
        const policy = policies[turn++ % policies.length];
        if (policy === undefined) break;
        const { said, delivered, internal } = await hand(policy, octets);
        if (internal !== undefined) throw new Finding(`an internal error: ${internal}`, octets, internal);
        if (delivered !== undefined && !genuine.has(delivered)) {
          throw new Finding(`accepted, and nobody sent it: ${delivered}`, octets);
        }
        if (delivered !== undefined) return 'accepted';
        last = said;
      }
      return last;
    },
  };
}
