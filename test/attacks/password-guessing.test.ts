/**
 * An encrypted password and a signature that covers it: with the digest of a UsernameToken that nobody else can read, whoever sees it
 * could try one password after the other.
 */
import { expect, test } from 'vitest';
import { userNameForCertificate } from '../../src/security/presets/for-certificate.ts';
import { mutualCertificateWss10 } from '../../src/security/presets/mutual-certificate-wss10.ts';
import type { SecurityPolicy } from '../../src/security/protection.ts';
import { addressing200508, withAddressing } from '../../src/soap/addressing.ts';
import { message } from '../../src/soap/envelope.ts';
import type { Message } from '../../src/soap/message.ts';
import { soap12 } from '../../src/soap/version.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { acceptor, order, pki, secured, wsrm } from '../security/rig.ts';
import { people } from './encrypted-support.ts';
import { isGuessed } from './guessing.ts';

const username = { user: 'alice', password: 'secret', form: 'text' } as const;
const passwords = { password: (user: string) => (user === username.user ? username.password : undefined) };

/** The Body of a protocol message is signed and stays in the clear, and so does an empty one. */
const bodies: readonly (readonly [name: string, of: () => Message])[] = [
  ['an order', () => order()],
  [
    'CreateSequence',
    () => asking(`${wsrm}/CreateSequence`, [XmlFragment.parse(`<r:CreateSequence xmlns:r="${wsrm}"/>`)]),
  ],
  ['nothing', () => asking('urn:orders/none', [])],
];

function asking(action: string, body: readonly XmlFragment[]): Message {
  const to = 'https://service.example/soap';
  return withAddressing(message({ version: soap12, body }), { version: addressing200508, action, to });
}

const policies: readonly (readonly [name: string, ends: () => Promise<readonly [SecurityPolicy, SecurityPolicy]>])[] = [
  ...[{}, { encryptSignature: false }].map((more) => {
    const ends = async () => {
      const { bob } = await people();
      return [
        userNameForCertificate({ peer: bob.certificate, username, ...more }),
        userNameForCertificate({ key: bob.key(), passwords, ...more }),
      ] as const;
    };
    return [`userNameForCertificate ${JSON.stringify(more)}`, ends] as const;
  }),
  ...[{}, { encryptSignature: true }].map((more) => {
    const ends = async () => {
      const [{ bob }, { client }] = [await people(), await pki()];
      return [
        mutualCertificateWss10({ key: client.key(), peer: bob.certificate, username, ...more }),
        mutualCertificateWss10({ key: bob.key(), peer: client.certificate, passwords, ...more }),
      ] as const;
    };
    return [`mutualCertificateWss10 ${JSON.stringify(more)}`, ends] as const;
  }),
];

test.each(policies.flatMap(([policy, ends]) => bodies.map(([body, of]) => [policy, body, ends, of] as const)))(
  'E15 %s: a password beside %s is not guessed from what everybody sees',
  async (_, __, ends, of) => {
    const [client, service] = await ends();
    const octets = new TextDecoder().decode(await secured(client, of()));
    expect(isGuessed(octets, username)).toBe(false);
    const end = acceptor(service);
    await end.receive(octets);
    expect(end.heard).toHaveLength(1);
  },
);
