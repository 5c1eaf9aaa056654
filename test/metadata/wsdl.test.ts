/** Policies that others write: choices, contradictions, and what is demanded and not spoken, each named with its line. */
import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bindingFromWsdl, type DescribedPort, describeWsdl, type WsdlOptions } from '../../src/metadata/import.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import { scan } from '../../src/xml/scan.ts';
import { vectorCases, vectorsFolder, vectorsThere } from '../vectors/manifest.ts';
import { inner, parts, type WsdlText, wsdlText } from './wsdl-text.ts';

const { transport, username, symmetric, body, suite } = parts;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'surewire-wsdl-'));
});
afterAll(() => rm(folder, { recursive: true }));

let count = 0;
async function read(text: WsdlText, options?: WsdlOptions, port?: string): Promise<DescribedPort> {
  const file = join(folder, `${count++}.wsdl`);
  await writeFile(file, wsdlText(text));
  return describeWsdl(file, port, options);
}

/** The code and the message of a refusal. */
async function refusal(text: WsdlText, options?: WsdlOptions): Promise<string> {
  return read(text, options).then(
    ({ description }) => `read: ${JSON.stringify(description)}`,
    (thrown: { code?: string; message: string }) => `${thrown.code}: ${thrown.message}`,
  );
}

describe('what is demanded and not spoken is named with its line', () => {
  test.each([
    ['an assertion nobody knows', '<magic xmlns="urn:magic"/>', /<magic> \(line 8\) of urn:magic/],
    [
      'Kerberos beside nothing',
      `<sp:EndorsingSupportingTokens>${inner('<sp:KerberosToken/>')}</sp:EndorsingSupportingTokens>`,
      /<sp:KerberosToken> \(line 8\)/,
    ],
    [
      'a certificate over TLS that signs the Body too',
      `${transport}<sp:EndorsingSupportingTokens>${inner(`<sp:X509Token>${inner('<sp:WssX509V3Token10/>')}</sp:X509Token>\n<sp:SignedParts><sp:Body/></sp:SignedParts>`)}</sp:EndorsingSupportingTokens>`,
      /<sp:SignedParts> \(line 9\)/,
    ],
    [
      'a user name without password',
      `${transport}\n<sp:SignedSupportingTokens>${inner(`<sp:UsernameToken>${inner('<sp:NoPassword/>')}</sp:UsernameToken>`)}</sp:SignedSupportingTokens>`,
      /<sp:NoPassword> \(line 9\).*proves nothing/,
    ],
    ['elements by XPath', `${symmetric}${body}\n<sp:SignedElements/>`, /<sp:SignedElements> \(line 9\)/],
    [
      'a second token',
      `${transport}${username}\n<sp:EndorsingSupportingTokens>${inner('<sp:X509Token/>')}</sp:EndorsingSupportingTokens>`,
      /<sp:X509Token> \(line 9\).*one already/,
    ],
    [
      'an encrypted header',
      `${symmetric}<sp:SignedParts/>\n<sp:EncryptedParts><sp:Body/><sp:Header Namespace="urn:x"/></sp:EncryptedParts>`,
      /<sp:Header> \(line 9\) is encrypted.*by hand/,
    ],
    [
      'a Body that nobody signs',
      `${symmetric}<sp:EncryptedParts><sp:Body/></sp:EncryptedParts>`,
      /does not have the Body signed/,
    ],
    [
      'inclusive canonicalization',
      `<sp:TransportBinding>${inner(`<sp:TransportToken>${inner(`<sp:HttpsToken>${inner('')}</sp:HttpsToken>`)}</sp:TransportToken><sp:AlgorithmSuite>${inner('<sp:Basic256/><sp:InclusiveC14N/>')}</sp:AlgorithmSuite>`)}</sp:TransportBinding>`,
      /<sp:InclusiveC14N> \(line 8\)/,
    ],
    [
      'a password of HTTP',
      `<http:BasicAuthentication/>`,
      /<http:BasicAuthentication> \(line 8\).*HTTP does not authenticate/,
    ],
    [
      'answers elsewhere',
      `<wsam:Addressing>${inner('<wsam:NonAnonymousResponses/>')}</wsam:Addressing>`,
      /NonAnonymousResponses/,
    ],
    [
      'a sequence bound to TLS',
      `<rm:RMAssertion>${inner('<rm:SequenceTransportSecurity/>')}</rm:RMAssertion>`,
      /SequenceTransportSecurity/,
    ],
    [
      'no Timestamp',
      `<sp:SymmetricBinding>${inner(`<sp:ProtectionToken>${inner('<sp:X509Token/>')}</sp:ProtectionToken><sp:AlgorithmSuite>${inner('<sp:Basic256/>')}</sp:AlgorithmSuite>`)}</sp:SymmetricBinding>${body}`,
      /IncludeTimestamp/,
    ],
  ])('%s', async (_, policy, says) => {
    expect(await refusal({ policy })).toMatch(new RegExp(`^METADATA_UNSUPPORTED: .*${says.source}`));
  });

  test('what may be ignored is noted, not passed over', async () => {
    const { notes } = await read({ policy: '<log xmlns="urn:log" w:Ignorable="true"/>' });
    expect(notes).toEqual([{ line: 8, text: 'log: the policy says that it may be ignored' }]);
  });

  test('how soon Metro sends again is its own setting, and is noted', async () => {
    const setting =
      '<m:RetransmissionConfig xmlns:m="http://java.sun.com/xml/ns/metro/ws-rx/wsrmp/200702"><m:Interval Milliseconds="1000"/></m:RetransmissionConfig>';
    const { description, notes } = await read({ policy: `<rm:RMAssertion>${inner('')}</rm:RMAssertion>${setting}` });
    expect(description.reliableSession?.version).toBe(reliable200702);
    expect(notes).toEqual([{ line: 8, text: 'RetransmissionConfig: each end has its own' }]);
  });
});

describe('a policy that contradicts itself', () => {
  test.each([
    [
      'two bindings',
      `${transport}\n${symmetric}`,
      /<sp:TransportBinding> \(line 8\) and <sp:SymmetricBinding> \(line 9\)/,
    ],
    [
      'both versions of WS-RM',
      '<rm10:RMAssertion/>\n<rm:RMAssertion/>',
      /<rm10:RMAssertion> \(line 8\) and <rm:RMAssertion> \(line 9\)/,
    ],
    ['both versions of WS-Addressing', '<wsam:Addressing/><wsap:UsingAddressing/>', /two versions of WS-Addressing/],
    [
      'both versions of WS-Security',
      `<sp:Wss10>${inner('')}</sp:Wss10><sp:Wss11>${inner('')}</sp:Wss11>`,
      /two versions of WS-Security/,
    ],
    [
      'one assertion with two meanings',
      `<sp:Wss11>${inner('')}</sp:Wss11><sp:Wss11>${inner('<sp:RequireSignatureConfirmation/>')}</sp:Wss11>`,
      /there can be one/,
    ],
    [
      'a sequence bound to a token that is not there',
      `<rm:RMAssertion>${inner('<rm:SequenceSTR/>')}</rm:RMAssertion>`,
      /no security context/,
    ],
    ['nothing that could satisfy it', '<w:ExactlyOne/>', /no alternative/],
  ])('%s', async (_, policy, says) => {
    expect(await refusal({ policy })).toMatch(new RegExp(`^METADATA_CONTRADICTION: .*${says.source}`, 's'));
  });

  test('TLS at an address without it', async () => {
    expect(await refusal({ policy: transport + username, address: 'http://orders.example/' })).toMatch(
      /^METADATA_CONTRADICTION: .*begins with http:/,
    );
  });

  test('a context over TLS whose request is not, and the other way round', async () => {
    const token = (first: string) =>
      `<sp:SecureConversationToken>${inner(`<sp:BootstrapPolicy>${inner(first)}</sp:BootstrapPolicy>`)}</sp:SecureConversationToken>`;
    const over = `${transport}<sp:EndorsingSupportingTokens>${inner(token(symmetric + body))}</sp:EndorsingSupportingTokens>`;
    expect(await refusal({ policy: over })).toMatch(/^METADATA_CONTRADICTION: .*protected by TLS and the other is not/);
    const inMessages = `<sp:SymmetricBinding>${inner(`<sp:ProtectionToken>${inner(token(transport + username))}</sp:ProtectionToken>${suite}`)}</sp:SymmetricBinding>${body}`;
    expect(await refusal({ policy: inMessages })).toMatch(/^METADATA_CONTRADICTION/);
  });
});

describe('choices', () => {
  test('what is optional is taken where it is spoken, and left where it is not', async () => {
    const taken = await read({ policy: '<rm:RMAssertion w:Optional="true"/><wsam:Addressing/>' });
    expect(taken.description.reliableSession?.version.name).toBe('200702');
    const left = await read({
      policy: '<mtom:OptimizedMimeSerialization w:Optional="true"/><mc:MCSupported w:Optional="true"/>',
    });
    expect(left.description.encoding.kind).toBe('Text');
  });

  test('P1 a weaker alternative beside a strong one is not chosen by itself, whichever comes first', async () => {
    for (const both of [
      `<w:All>${transport}${username}</w:All><w:All/>`,
      `<w:All/><w:All>${transport}${username}</w:All>`,
    ]) {
      const policy = `<w:ExactlyOne>${both}</w:ExactlyOne>`;
      expect(await refusal({ policy })).toMatch(/^METADATA_CHOICE: .*from 1 to 2/);
      const first = await read({ policy }, { alternative: 1 });
      const second = await read({ policy }, { alternative: 2 });
      expect([first, second].map(({ description }) => description.security?.mode).sort()).toEqual([
        'UserNameOverTransport',
        undefined,
      ]);
      expect(await refusal({ policy }, { alternative: 3 })).toMatch(/^METADATA_CHOICE/);
    }
  });

  test('a port has to be named where there are several', async () => {
    const more = '<service name="other"><port name="q" binding="t:b"/></service>';
    expect(await refusal({ more })).toMatch(
      /^METADATA_CHOICE: The WSDL has several ports. It has "q" of other, "p" of s/,
    );
    expect((await read({ more }, {}, 'q')).address).toBeUndefined();
    await expect(read({ more }, {}, 'z')).rejects.toThrow(/no SOAP port "z"/);
  });
});

describe('WS-SecurityPolicy 1.3', () => {
  const sp13 = 'http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200802';
  const demanding = (more: string) =>
    transport + username.replace('<sp:WssUsernameToken10/>', `<sp:WssUsernameToken10/>${more}`);

  test.each(['<sp:HashPassword/>', `<n:Created xmlns:n="${sp13}"/><n:Nonce xmlns:n="${sp13}"/>`])(
    'a password that may not go as a text does not: %s',
    async (more) => {
      const { description } = await read({ policy: demanding(more) });
      expect(description.security).toMatchObject({ mode: 'UserNameOverTransport', passwordDigest: true });
      expect((await read({ policy: demanding('') })).description.security?.passwordDigest).toBe(false);
      const file = join(folder, `${count++}.wsdl`);
      await writeFile(file, wsdlText({ policy: demanding(more) }));
      const options = (form: 'text' | 'digest') => ({ username: { user: 'alice', password: 'secret', form } });
      await expect(bindingFromWsdl(file, 'p', options('text'))).rejects.toMatchObject({
        code: 'BINDING_CREDENTIALS',
        message: expect.stringContaining("form: 'digest'"),
      });
      expect((await bindingFromWsdl(file, 'p', options('digest'))).description.kind).toBe('customBinding');
    },
  );

  test.each(['ScopePolicy15', 'MustSupportInteractiveChallenge'])('%s is named with its line', async (local) => {
    const trust = `<sp:Trust13>${inner(`<sp:MustSupportIssuedTokens/>\n<n:${local} xmlns:n="${sp13}"/>`)}</sp:Trust13>`;
    expect(await refusal({ policy: transport + username + trust })).toMatch(
      new RegExp(`^METADATA_UNSUPPORTED: .*<n:${local}> \\(line 9\\) of ${sp13}`),
    );
  });
});

test('what is signed and not encrypted is read as such; answers that have to be fetched are fetched', async () => {
  const signed = await read({ policy: `${symmetric}<sp:SignedParts><sp:Body/></sp:SignedParts>` });
  expect(signed.description.security?.protection).toBe('Sign');
  const fetched = await read({ policy: '<mc:MCSupported/><wsam:Addressing/>' });
  expect(fetched.description.transport.kind).toBe('fetched');
});

test('policies by reference, by attribute and by name; two of one name are an error', async () => {
  const binding = (how: string) =>
    `<binding name="c" type="t:p">${how}<soap:binding transport="http://schemas.xmlsoap.org/soap/http"/></binding>`;
  const port =
    '<service name="r"><port name="q" binding="t:c"><soap:address location="https://orders.example/"/></port></service>';
  const policy = (name: string) => `<w:Policy ${name}>${transport}${username}</w:Policy>`;
  const id = 'xmlns:u="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd" u:Id="x"';
  for (const more of [
    `${policy(id)}${binding('<w:PolicyReference URI="#x"/>')}${port}`,
    `${policy('Name="urn:x"')}${binding('<w:PolicyReference URI="urn:x"/>')}${port}`,
    `${policy(id)}${binding('').replace('name="c"', 'name="c" w:PolicyURIs="#x"')}${port}`,
  ]) {
    expect((await read({ more }, {}, 'q')).description.security?.mode).toBe('UserNameOverTransport');
  }
  await expect(read({ more: `${binding('<w:PolicyReference URI="#gone"/>')}${port}` }, {}, 'q')).rejects.toMatchObject({
    code: 'METADATA_POLICY_REFERENCE',
  });
  await expect(read({ more: `${policy(id)}${policy(id)}` })).rejects.toMatchObject({ code: 'METADATA_CONTRADICTION' });
});

test('policies of the port type, its operations and its messages count as those of the binding', async () => {
  const more = (
    where: Partial<Record<'message' | 'portType' | 'operation' | 'input', string>>,
  ) => `<message name="m">${where.message ?? ''}</message>
    <portType name="p">${where.portType ?? ''}<operation name="o">${where.operation ?? ''}<input message="t:m">${where.input ?? ''}</input></operation></portType>
    <binding name="c" type="t:p"><soap:binding transport="http://www.w3.org/2003/05/soap/bindings/HTTP/"/><operation name="o"><input/></operation></binding>
    <service name="r"><port name="q" binding="t:c"><soap:address location="https://orders.example/"/></port></service>`;
  const policy = (text: string) => `<w:Policy>${text}</w:Policy>`;
  const read1 = await read({ more: more({ portType: policy(transport + username) }) }, {}, 'q');
  expect(read1.description.security?.mode).toBe('UserNameOverTransport');
  const both = { portType: policy(symmetric), input: policy(body) };
  expect((await read({ more: more(both) }, {}, 'q')).description.security?.protection).toBe('EncryptAndSign');
  for (const where of ['message', 'operation', 'input', 'portType'] as const) {
    await expect(read({ more: more({ [where]: policy('<magic xmlns="urn:magic"/>') }) }, {}, 'q')).rejects.toThrow(
      /<magic> \(line \d+\)/,
    );
  }
});

if (!vectorsThere) console.info(`policies of CXF and Rampart skipped: ${vectorsFolder} is absent`);

describe.skipIf(!vectorsThere)('policies of CXF and Rampart', () => {
  const readable = vectorCases('policy-parse', ['ws-policy']).filter(({ expect: outcome }) => outcome !== 'malformed');
  test('each is described, or what is not spoken is named with its line: nothing is passed over, nothing crashes', async () => {
    const outcomes = new Map<string, number>();
    for (const one of readable) {
      const bytes = readFileSync(join(vectorsFolder, one.folder, one.file));
      const { root } = (() => {
        try {
          return scan(bytes);
        } catch {
          return { root: undefined };
        }
      })();
      if (root === undefined) continue;
      const policy = Buffer.from(root.document.bytes.subarray(root.start, root.end)).toString();
      const outcome = await refusal({ policy });
      expect(outcome, one.file).toMatch(/^(read|METADATA_[A-Z]+: .*\(line \d+\))/s);
      const kind = outcome.slice(0, outcome.indexOf(':'));
      outcomes.set(kind, (outcomes.get(kind) ?? 0) + 1);
    }
    expect(Object.fromEntries(outcomes)).toEqual({ METADATA_UNSUPPORTED: 54, read: 27 });
  });

  test('each WSDL of CXF is described, or names what is not spoken, wherever its policies are attached', async () => {
    const outcomes = new Map<string, number>();
    for (const file of globSync(join(vectorsFolder, 'ws-policy/cxf/**/*.wsdl'))) {
      const outcome = await describeWsdl(file).then(
        () => 'read',
        (thrown: { code?: string }) => thrown.code ?? 'crash',
      );
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    expect(Object.fromEntries(outcomes)).toEqual({
      METADATA_CHOICE: 2,
      METADATA_DOCUMENT: 1,
      METADATA_POLICY_REFERENCE: 3,
      METADATA_UNSUPPORTED: 14,
      read: 4,
    });
  });
});
