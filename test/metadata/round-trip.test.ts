/** What is written is read back as it was: every spoken mode, every version, both versions of WS-Policy. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CustomElement, describeCustom } from '../../src/binding/custom.ts';
import type { BindingDescription } from '../../src/binding/description.ts';
import { type MessageSecurityVersion, messageSecurityVersions } from '../../src/binding/security-versions.ts';
import { describeWsdl } from '../../src/metadata/import.ts';
import { type PolicyVersion, policyVersions } from '../../src/metadata/namespaces.ts';
import { writeWsdl } from '../../src/metadata/wsdl-writer.ts';
import { reliable200502 } from '../../src/reliable/versions/v200502.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import { addressing200408, addressingVersions } from '../../src/soap/addressing-versions.ts';
import { soap11 } from '../../src/soap/version.ts';
import { orders } from '../binding/rig.ts';
import { cases, elements, spoken, versions } from './described.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'surewire-wsdl-'));
});
afterAll(() => rm(folder, { recursive: true }));

let count = 0;
async function travelled(description: BindingDescription, policy: PolicyVersion): Promise<BindingDescription> {
  const address = new URL(`http${description.transport.tls ? 's' : ''}://orders.example/soap`);
  const file = join(folder, `${count++}.wsdl`);
  await writeFile(file, writeWsdl({ contract: orders, description, address, policy }).bytes);
  const found = await describeWsdl(file, 'OrdersPort');
  expect(found.address).toEqual(address);
  expect(found.notes).toEqual([]);
  return found.description;
}

/** What a policy does not say, or says otherwise. */
function comparable(description: BindingDescription): unknown {
  return JSON.parse(
    JSON.stringify(description, (key, value: unknown) => {
      // Only the protocols of a version are on the wire; over TLS there is no order of signing and encrypting.
      if (key === 'versions') return { ...(value as MessageSecurityVersion), name: '' };
      if (key === 'protectionOrder' && description.transport.tls) return undefined;
      return value;
    }),
  );
}

describe.each(policyVersions)('WS-Policy $name', (policy) => {
  describe.each(versions)('WS-Security $wss, WS-SecurityPolicy $policy', (version) => {
    test.each(spoken.filter((mode) => mode !== 'UserNameForCertificate' || version.wss === '1.1'))(
      '%s',
      async (mode) => {
        // In the asymmetric binding WSS 1.1 is told from 1.0 by where certificates stand.
        if (mode === 'MutualCertificateDuplex' && version.wss === '1.0') return;
        for (const description of cases(mode, version)) {
          expect(comparable(await travelled(description, policy))).toEqual(comparable(description));
        }
      },
    );
  });

  test('a context that is amended, which WS-SecurityPolicy 1.1 has no word for', async () => {
    for (const messageSecurityVersion of versions) {
      const given = { authenticationMode: 'MutualCertificate', messageSecurityVersion } as const;
      const context = {
        ...given,
        authenticationMode: 'SecureConversation',
        secureConversationBootstrap: given,
      } as const;
      const { security, ...rest } = describeCustom(elements(context, false));
      if (security === undefined) throw new Error('There is security.');
      const read = await travelled({ ...rest, security: { ...security, amendment: true } }, policy);
      expect(read.security?.amendment).toBe(messageSecurityVersion.policy === '1.2');
      expect((await travelled({ ...rest, security }, policy)).security?.amendment).toBe(false);
    }
  });

  test('a password as a digest only, which WS-SecurityPolicy 1.1 has no word for', async () => {
    for (const messageSecurityVersion of versions) {
      const given = { authenticationMode: 'UserNameOverTransport', messageSecurityVersion } as const;
      const { security, ...rest } = describeCustom(elements(given, true));
      if (security === undefined) throw new Error('There is security.');
      const read = await travelled({ ...rest, security: { ...security, passwordDigest: true } }, policy);
      expect(read.security?.passwordDigest).toBe(messageSecurityVersion.policy === '1.2');
    }
  });

  test.each(addressingVersions)(
    'the headers that are signed are those of the addressing of $name',
    async (addressing) => {
      const first = {
        authenticationMode: 'CertificateOverTransport',
        defaultAlgorithmSuite: 'Basic256Sha256',
      } as const;
      const inMessages = { ...first, authenticationMode: 'MutualCertificate' } as const;
      const context = { authenticationMode: 'SecureConversation', secureConversationBootstrap: first } as const;
      const all = [
        [first, true],
        [inMessages, false],
        [context, true],
        [{ ...context, secureConversationBootstrap: inMessages }, false],
      ] as const;
      for (const [security, tls] of all) {
        const encoding = { kind: 'textMessageEncoding', addressing } as const;
        const [above, transport] = elements(security, tls);
        if (above === undefined || transport === undefined) throw new Error('There are two.');
        const description = describeCustom([above, encoding, transport]);
        const address = new URL(`http${tls ? 's' : ''}://orders.example/soap`);
        const text = new TextDecoder().decode(writeWsdl({ contract: orders, description, address, policy }).bytes);
        const namespaces = [...text.matchAll(/Header Name="\w+" Namespace="([^"]*)"/g)].map(
          ([, namespace]) => namespace,
        );
        expect(new Set(namespaces)).toEqual(new Set([addressing.namespace]));
        expect(comparable(await travelled(description, policy))).toEqual(comparable(description));
      }
    },
  );

  test('without message security: HTTP, HTTPS, client certificates, SOAP 1.1, addressing of 2004, reliable sessions', async () => {
    const all: readonly (readonly CustomElement[])[] = [
      [{ kind: 'textMessageEncoding', soap: soap11, addressing: 'none' }, { kind: 'httpTransport' }],
      [{ kind: 'textMessageEncoding', soap: soap11, addressing: addressing200408 }, { kind: 'httpsTransport' }],
      [{ kind: 'httpsTransport', requireClientCertificate: true }],
      [
        {
          kind: 'security',
          authenticationMode: 'MutualCertificate',
          messageSecurityVersion: messageSecurityVersions[0] as MessageSecurityVersion,
        },
        { kind: 'textMessageEncoding', soap: soap11, addressing: 'none' },
        { kind: 'httpTransport' },
      ],
      [{ kind: 'reliableSession', version: reliable200502 }, { kind: 'httpsTransport' }],
      [{ kind: 'reliableSession', version: reliable200702, ordered: false }, { kind: 'httpTransport' }],
      [{ kind: 'httpTransport', webSocket: true }],
      [{ kind: 'reliableSession' }, { kind: 'compositeDuplex' }, { kind: 'oneWay' }, { kind: 'httpTransport' }],
      [{ kind: 'reliableSession', version: reliable200702 }, { kind: 'makeConnection' }, { kind: 'httpTransport' }],
    ];
    for (const one of all) {
      const description = describeCustom(one);
      expect(comparable(await travelled(description, policy))).toEqual(comparable(description));
    }
  });
});
