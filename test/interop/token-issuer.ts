/** A token service of surewire over HTTPS, for sessions whose clients come with an issued token; a user name asks it. */
import { type Binding, binding, connect, listen } from '../../src/channel/binding.ts';
import { exchange } from '../../src/channel/correlation.ts';
import { algorithmSuite } from '../../src/security/algorithm-suites.ts';
import { certificates as certificatesOf } from '../../src/security/certificates.ts';
import { security } from '../../src/security/element.ts';
import { type SecurityPolicy, usernameOverTransport } from '../../src/security/policy.ts';
import type { TokenSource } from '../../src/security/protection.ts';
import type { SamlRequirement } from '../../src/security/tokens/saml-conditions.ts';
import { trustPeers } from '../../src/security/trust.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import { soap12 } from '../../src/soap/version.ts';
import { httpTransport } from '../../src/transport/http/transport.ts';
import { type IssueOptions, issuedTokens, tokenClient } from '../../src/trust/client.ts';
import { tokenService } from '../../src/trust/service.ts';
import type { RelyingParty } from '../../src/trust/settings.ts';
import type { Certificates } from './certificates.ts';
import type { Parties } from './parties.ts';
import { keyOf } from './surewire-party.ts';

export interface TokenIssuer {
  readonly url: URL;
  /** Whom its tokens are for. */
  readonly audience: string;
  /** Makes an address one more that its tokens are for: Metro asks for the address that it calls. */
  knows(address: string): void;
  /** Whose assertions a service takes. */
  readonly saml: Omit<SamlRequirement, 'confirmations'>;
  /** What a client of ours gets its tokens with. */
  tokens(wanted: Omit<IssueOptions, 'appliesTo'>): TokenSource;
  close(): Promise<void>;
}

const name = 'urn:surewire:interop:issuer';
const audience = 'urn:surewire:interop:service';
const passwords = { password: (user: string) => (user === 'alice' ? 'secret' : undefined) };
const username = { user: 'alice', password: 'secret', form: 'text' } as const;

export async function tokenIssuer(all: Parties, tls: Certificates): Promise<TokenIssuer> {
  const layers = (policy: SecurityPolicy, own: object): Binding =>
    binding([exchange({ addressing: addressing200508 }), security(policy)], httpTransport({ tls: own }), soap12);
  const [certificate] = certificatesOf(all.of.service.certificate);
  const [signer] = certificatesOf(all.of.issuer.certificate);
  if (certificate === undefined || signer === undefined) throw new Error('There is no certificate.');
  const relyingParties: RelyingParty[] = [{ address: audience, certificate }];
  const audiences = [audience];
  const service = tokenService({
    issuer: name,
    key: keyOf(all.of.issuer),
    relyingParties,
    subject: ({ evidence }) => evidence?.user && { name: evidence.user.name },
    // What every stack reads.
    suite: algorithmSuite('Basic256Sha256'),
  });
  const policy = usernameOverTransport({ passwords });
  const own = { cert: tls.certificate, key: tls.key };
  const listener = await listen(layers(policy, own), new URL('https://127.0.0.1:0/issuer'), service);
  const asking = () => connect(layers(usernameOverTransport({ username }), { ca: tls.authority }), listener.url);
  return {
    url: listener.url,
    audience,
    knows: (address) => {
      relyingParties.push({ address, certificate });
      audiences.push(address);
    },
    saml: { issuers: [{ name, trust: trustPeers(signer) }], audiences },
    tokens: (wanted) => issuedTokens(tokenClient({ channel: asking() }), { ...wanted, appliesTo: audience }),
    close: () => listener.close(AbortSignal.timeout(2_000)),
  };
}
