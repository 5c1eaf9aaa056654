/** What is added to a security context: the policies of both ends, in all the ways that supporting tokens prove somebody. */
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { SignJWT } from 'jose';
import type { Delivery } from '../../src/channel/delivery.ts';
import { type AddedEvidence, evidence } from '../../src/security/evidence.ts';
import { usernameOverTransport } from '../../src/security/policy.ts';
import { issuedTokenOverTransport } from '../../src/security/presets/issued-token.ts';
import { certificateOverTransport } from '../../src/security/presets/over-transport.ts';
import { usernameKeyOverTransport } from '../../src/security/presets/username-key.ts';
import type { SecurityPolicy } from '../../src/security/protection.ts';
import { saml20 } from '../../src/security/tokens/saml.ts';
import { writeAssertion } from '../../src/security/tokens/saml-write.ts';
import { trustPeers } from '../../src/security/trust.ts';
import { type Issued, issue } from '../security/pki.ts';
import { start } from '../security/rig.ts';
import { audience, draft, parties, requirement } from '../security/saml-rig.ts';
import { type Bootstrap, bootstraps } from './rig.ts';

export interface Addition {
  readonly name: string;
  readonly client: (user?: string) => Promise<SecurityPolicy>;
  readonly service: () => Promise<SecurityPolicy>;
  /** Kind and name of whoever it proves. */
  readonly who: string;
}

const accounts = new Map([
  ['carol', 'third'],
  ['dave', 'fourth'],
]);
export const passwords = { password: (user: string): string | undefined => accounts.get(user) };

/** Of a user whose password is right, or `password`. */
export function named(user: string, form: 'text' | 'digest' = 'text', password?: string): SecurityPolicy {
  return usernameOverTransport({ username: { user, password: password ?? passwords.password(user) ?? 'none', form } });
}

let certified: Promise<Issued> | undefined;
export const erin = (): Promise<Issued> => (certified ??= issue({ name: 'erin', kind: 'rsa' }));

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const issuer = 'https://sts.example/';

async function jwt(): Promise<{ readonly jwt: string }> {
  const times = { iat: start / 1_000, exp: start / 1_000 + 600 };
  const signing = createPrivateKey(pair.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const claims = { iss: issuer, aud: audience, sub: 'frank', ...times };
  return { jwt: await new SignJWT(claims).setProtectedHeader({ alg: 'ES256' }).sign(signing) };
}

async function assertion(method: 'bearer' | 'holder-of-key') {
  const sts = await parties();
  const confirmation = method === 'bearer' ? { method } : { method, holder: sts.holder.certificate };
  return writeAssertion(draft(saml20, { confirmation }), { key: sts.issuer.key() });
}

const samlService = (confirmation: 'bearer' | 'holder-of-key') => async () =>
  issuedTokenOverTransport({ saml: await requirement(), confirmation });

const byPassword: Addition = {
  name: 'a password',
  client: async (user = 'carol') => named(user),
  service: async () => usernameOverTransport({ passwords }),
  who: 'username carol',
};

const byCertificate: Addition = {
  name: 'a certificate',
  client: async () => certificateOverTransport({ key: (await erin()).key(), reference: 'thumbprint' }),
  service: async () => certificateOverTransport({ trust: trustPeers((await erin()).certificate) }),
  who: 'x509 CN=erin',
};

const byHolder: Addition = {
  name: 'an assertion with a key',
  client: async () => {
    const { holder } = await parties();
    return issuedTokenOverTransport({
      token: async () => ({ assertion: await assertion('holder-of-key'), proof: holder.key(), bearer: false }),
    });
  },
  service: samlService('holder-of-key'),
  who: 'saml alice@example.org',
};

export const additions: readonly Addition[] = [
  byPassword,
  { ...byPassword, name: 'the digest of a password', client: async (user = 'carol') => named(user, 'digest') },
  {
    ...byPassword,
    name: 'a key derived of a password',
    client: async () =>
      usernameKeyOverTransport({ username: { user: 'carol', password: passwords.password('carol') ?? '' } }),
    service: async () => usernameKeyOverTransport({ passwords }),
  },
  byCertificate,
  byHolder,
  {
    name: 'an assertion for its bearer',
    client: async () =>
      issuedTokenOverTransport({
        token: async () => ({ assertion: await assertion('bearer'), bearer: true }),
        confirmation: 'bearer',
      }),
    service: samlService('bearer'),
    who: 'saml alice@example.org',
  },
  {
    name: 'a JSON Web Token',
    client: async () => issuedTokenOverTransport({ token: jwt, confirmation: 'bearer' }),
    service: async () =>
      issuedTokenOverTransport({ jwt: { issuers: [{ name: issuer, keys: pair.publicKey }], audiences: [audience] } }),
    who: 'jwt frank',
  },
];
export { byCertificate, byHolder, byPassword };

export function bootstrapNamed(name: string): Bootstrap {
  const found = bootstraps.find((one) => one.name === name);
  if (found === undefined) throw new Error(`There is no bootstrap ${name}.`);
  return found;
}

/** Kind and name of everybody that was added to the context of a message. */
export function addedTo(trip: Delivery | undefined): readonly string[] {
  const who = ({ signers, user }: AddedEvidence) => signers[0] ?? user;
  return (trip?.get(evidence)?.added ?? []).map((one) => `${who(one)?.kind} ${who(one)?.name}`);
}
