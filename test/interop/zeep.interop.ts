/** zeep as a client of a secured endpoint: it signs and says who it is, and verifies what it is answered with. */
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect } from 'vitest';
import { security } from '../../src/security/element.ts';
import { usernameOverTransport } from '../../src/security/policy.ts';
import { asked } from './asked.ts';
import { certificates } from './certificates.ts';
import { start } from './child.ts';
import { parties } from './parties.ts';
import { scenario, unclaimed, withPeer } from './suite.ts';
import { securedServer } from './surewire-end.ts';
import { signing } from './surewire-party.ts';
import { NotInstalled, run } from './tools.ts';

const PYTHON = '/usr/bin/python3';
const client = fileURLToPath(new URL('zeep/client.py', import.meta.url));
const wsdl = fileURLToPath(new URL('interop.wsdl', import.meta.url));
/** Milliseconds for the process. */
const LIMIT = 300_000;
const passwords = { password: (user: string) => (user === 'alice' ? 'secret' : undefined) };

await withPeer(
  'zeep',
  async () => {
    await run(PYTHON, ['-c', 'import zeep, xmlsec']).catch((thrown: unknown) => {
      throw new NotInstalled(`zeep is missing (apt-get install python3-zeep python3-xmlsec)`, { cause: thrown });
    });
    const [tls, all] = await Promise.all([certificates(), parties()]);
    const peer = await asked(() => start(PYTHON, [client], { name: 'zeep', limit: LIMIT, asked: true }));
    const { release } = peer.ready;
    return { tls, all, peer, release: String(release) };
  },
  ({ tls, all, peer, release }) => {
    afterAll(() => peer.stop());
    /** One call; the text of the answer. */
    const call = async (url: URL, how: object): Promise<string> => {
      const calling = await peer.ask({ url: url.href, wsdl, ca: tls.authorityFile, text: 'hello', ...how });
      const { event, why, text } = await calling.answer(['answered', 'refused']);
      if (event === 'refused') throw new Error(String(why));
      return String(text);
    };
    const tried = async (policy: Parameters<typeof security>[0], how: object): Promise<void> => {
      const server = await securedServer(security(policy), tls);
      try {
        expect(await call(server.listener.url, how)).toBe('hello');
        expect(await server.executed(1)).toHaveLength(1);
      } finally {
        await server.listener.close(AbortSignal.timeout(2_000));
      }
    };
    const alice = { user: 'alice', password: 'secret' };
    const signed = { key: all.of.client.keyFile, certificate: all.of.client.certificateFile };
    const verified = { ...signed, peer: all.of.service.certificateFile };
    const row = { peer: 'zeep', direction: 'zeep -> surewire', version: release };

    describe('zeep calls surewire', () => {
      for (const soap of ['1.1', '1.2'] as const) {
        const of = (scenario: string) => ({ ...row, scenario: `${scenario}, SOAP ${soap}` });
        const username = usernameOverTransport({ passwords });
        const signatures = signing(all, 'service', { addressing: 'optional' });
        scenario(of('user name, password as text'), () => tried(username, { soap, ...alice }));
        scenario(of('user name, password as digest'), () => tried(username, { soap, ...alice, digest: true }));
        scenario(of('a wrong password is refused'), async () => {
          const wrong = { soap, ...alice, password: 'another', digest: true };
          await expect(tried(username, wrong)).rejects.toThrow(/^Fault: /);
        });
        scenario(of('X.509 signature, the answer verified'), () => tried(signatures, { soap, ...verified }));
        scenario(of('an answer signed by somebody else is refused'), async () => {
          const other = { soap, ...signed, peer: all.of.issuer.certificateFile };
          await expect(tried(signatures, other)).rejects.toThrow(/SignatureVerificationFailed/);
        });
        unclaimed(of('X.509 signature and user name'), 'zeep-unsigned-user');
        unclaimed(of('X.509 signature by X509Data'), 'zeep-x509data');
      }
    });
  },
);
