/**
 * node-soap at both ends: as a client that says who it is and signs (it verifies nothing that it is answered with; xml-crypto,
 * which it signs with, does so here), and as a server that asks for a user name.
 */
import { readFileSync } from 'node:fs';
import { Agent, createServer } from 'node:https';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import * as soap from 'soap';
import { describe, expect } from 'vitest';
import { SignedXml } from 'xml-crypto';
import { security } from '../../src/security/element.ts';
import { type SecurityPolicy, usernameOverTransport } from '../../src/security/policy.ts';
import { certificates } from './certificates.ts';
import { parties } from './parties.ts';
import { scenario, unclaimed, withPeer } from './suite.ts';
import { securedClient, securedServer } from './surewire-end.ts';
import { signing } from './surewire-party.ts';

const wsdl = fileURLToPath(new URL('interop.wsdl', import.meta.url));
const { version: release } = createRequire(import.meta.url)('soap/package.json') as { readonly version: string };
const own = createRequire(import.meta.resolve('xml-crypto'));
const { DOMParser } = own('@xmldom/xmldom') as typeof import('@xmldom/xmldom');
const { select1 } = own('xpath') as typeof import('xpath');

const passwords = { password: (user: string) => (user === 'alice' ? 'secret' : undefined) };
/** node-soap's messages claim to be good for ten minutes; five are accepted by default. */
const freshness = { lifetime: 600_000 };
/** Without the enveloped-signature transform that node-soap names by default, and with ids as WS-Security has them. */
const plainly: ConstructorParameters<typeof soap.WSSecurityCert>[3] = {
  signatureTransformations: ['http://www.w3.org/2001/10/xml-exc-c14n#'],
  signerOptions: { idMode: 'wssecurity' },
};

await withPeer(
  'node-soap',
  async () => {
    const [tls, all] = await Promise.all([certificates(), parties()]);
    return { tls, all };
  },
  ({ tls, all }) => {
    /** One call of `echo`; the envelope that answers it. */
    const call = async (url: URL, version: '1.1' | '1.2', given: soap.ISecurity): Promise<string> => {
      const client = await soap.createClientAsync(wsdl, { forceSoap12Headers: version === '1.2', disableCache: true });
      client.setEndpoint(url.href);
      client.setSecurity(given);
      const { echoAsync } = client;
      const httpsAgent = new Agent({ ca: tls.authority });
      try {
        const [result, raw]: readonly [unknown, unknown] = await echoAsync(
          { text: 'hello' },
          { httpsAgent, timeout: 60_000 },
        );
        expect(result).toEqual({ text: 'hello' });
        return String(raw);
      } finally {
        httpsAgent.destroy();
      }
    };
    const tried = async (policy: SecurityPolicy, version: '1.1' | '1.2', given: soap.ISecurity): Promise<string> => {
      const server = await securedServer(security(policy), tls);
      try {
        const answer = await call(server.listener.url, version, given);
        expect(await server.executed(1)).toHaveLength(1);
        return answer;
      } finally {
        await server.listener.close(AbortSignal.timeout(2_000));
      }
    };
    const username = (passwordType: 'PasswordText' | 'PasswordDigest', password = 'secret', hasTimeStamp = true) =>
      new soap.WSSecurity('alice', password, {
        passwordType,
        hasNonce: passwordType === 'PasswordDigest',
        hasTimeStamp,
      });
    const certificate = (options: object = plainly) =>
      new soap.WSSecurityCert(all.of.client.key, all.of.client.certificate, '', { ...options });

    describe('node-soap calls surewire', () => {
      const row = { peer: 'node-soap', direction: 'node-soap -> surewire', version: release };
      for (const version of ['1.1', '1.2'] as const) {
        const of = (what: string) => ({ ...row, scenario: `${what}, SOAP ${version}` });
        const users = usernameOverTransport({ passwords, freshness });
        const signatures = signing(all, 'service', { addressing: 'optional', freshness });
        scenario(of('user name, password as text'), async () => {
          await tried(users, version, username('PasswordText'));
        });
        scenario(of('user name, password as digest'), async () => {
          await tried(users, version, username('PasswordDigest'));
        });
        scenario(of('a wrong password is refused'), async () => {
          const wrong = tried(users, version, username('PasswordDigest', 'another'));
          await expect(wrong).rejects.toThrow(/FailedAuthentication|InvalidSecurity/);
        });
        scenario(of('X.509 signature; xml-crypto verifies the answer'), async () => {
          const answer = await tried(signatures, version, certificate());
          expect(verifies(answer, all.of.service.certificate)).toBe(true);
          expect(verifies(answer.replace('hello', 'hullo'), all.of.service.certificate)).toBe(false);
        });
        scenario(of('X.509 signature and user name, both signed'), async () => {
          const policy = signing(all, 'service', { addressing: 'optional', freshness, passwords });
          const signed = certificate({ ...plainly, additionalReferences: ['wsse:UsernameToken'] });
          const user = username('PasswordDigest', 'secret', false);
          await tried(policy, version, new soap.WSSecurityPlusCert(user, signed));
        });
        scenario(of('a signature of somebody else is refused'), async () => {
          const stranger = new soap.WSSecurityCert(all.of.issuer.key, all.of.client.certificate, '', { ...plainly });
          await expect(tried(signatures, version, stranger)).rejects.toThrow(/FailedCheck|InvalidSecurity/);
        });
        unclaimed(of('X.509 signature without options'), 'node-soap-id');
        unclaimed(of('X.509 signature, WSSecurityCertWithToken'), 'node-soap-reference');
      }
    });

    describe('surewire calls node-soap', () => {
      const row = { peer: 'node-soap', direction: 'surewire -> node-soap', version: release };
      const served = async (form: 'text' | 'digest', password: string): Promise<string> => {
        const server = createServer({ cert: tls.certificate, key: tls.key });
        const service = soap.listen(server, {
          path: '/interop',
          xml: readFileSync(wsdl, 'utf8'),
          services: {
            interopService: { soap11: { echo: (asked: { readonly text: string }) => ({ text: asked.text }) } },
          },
        });
        service.authenticate = (header) => isAlice(header, form);
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
        const { port } = server.address() as AddressInfo;
        const policy = usernameOverTransport({ username: { user: 'alice', password, form }, freshness });
        const client = securedClient(security(policy), tls, new URL(`https://127.0.0.1:${port}/interop`), '1.1');
        try {
          return (await client.echo({ text: 'hello' })).text;
        } finally {
          client.abort(new Error('the scenario is over'));
          server.closeAllConnections();
          await new Promise((resolve) => server.close(resolve));
        }
      };
      for (const form of ['text', 'digest'] as const) {
        scenario({ ...row, scenario: `user name, password as ${form}, SOAP 1.1` }, async () => {
          expect(await served(form, 'secret')).toBe('hello');
        });
        scenario({ ...row, scenario: `a wrong password is refused, as ${form}, SOAP 1.1` }, async () => {
          await expect(served(form, 'another')).rejects.toThrow();
        });
      }
    });
  },
);

interface NodeSoapText {
  readonly $value: string;
}

/** What an application of node-soap writes to check a UsernameToken; the library leaves it to its user. */
function isAlice(header: unknown, form: 'text' | 'digest'): boolean {
  const { UsernameToken: token } = header as {
    readonly UsernameToken?: {
      readonly Username: string;
      readonly Password: NodeSoapText;
      readonly Nonce?: NodeSoapText;
      readonly Created?: string;
    };
  };
  if (token === undefined || token.Username !== 'alice') return false;
  if (form === 'text') return token.Password.$value === 'secret';
  return token.Password.$value === soap.passwordDigest(token.Nonce?.$value ?? '', token.Created ?? '', 'secret');
}

function verifies(envelope: string, certificate: string): boolean {
  const signed = new SignedXml({ publicCert: certificate });
  const document = new DOMParser().parseFromString(envelope, 'text/xml');
  signed.loadSignature(select1("//*[local-name(.)='Signature']", document as never) as never);
  try {
    return signed.checkSignature(envelope);
  } catch {
    return false;
  }
}
