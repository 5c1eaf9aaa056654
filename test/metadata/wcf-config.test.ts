/** WCF's configurations: every kind of binding with its attributes, names with one answer, and nothing that is passed over. */
import { describe, expect, test } from 'vitest';
import { bindingRows } from '../../src/binding/rows.ts';
import { messageSecurityVersions } from '../../src/binding/security-versions.ts';
import { documentLimits } from '../../src/metadata/documents.ts';
import { bindingFromWcfConfig, describeWcfConfig, listWcfConfig } from '../../src/metadata/wcf/config.ts';
import { alice, calling, passwords, served, tls } from '../binding/rig.ts';

/** A configuration with these bindings and endpoints, its first line being line 1. */
function config(bindings: string, client = ''): string {
  return `<configuration><system.serviceModel><bindings>\n${bindings}</bindings>\n<client>${client}</client></system.serviceModel></configuration>`;
}
const one = (kind: string, attributes = '', content = '') =>
  config(`<${kind}><binding name="x" ${attributes}>${content}</binding></${kind}>`);

function code(make: () => unknown): string {
  try {
    make();
  } catch (thrown) {
    const { code: found, message } = thrown as { readonly code?: string; readonly message: string };
    return `${found}: ${message}`;
  }
  return 'nothing was thrown';
}

describe('system-provided bindings', () => {
  test.each(Object.values(bindingRows))('$kind without a word has the defaults of its row', (row) => {
    const { description } = describeWcfConfig(one(row.kind), 'x');
    expect(description.encoding).toEqual({ kind: row.encodings[0], soap: row.soap, addressing: row.addressing });
    expect(description.reliableSession?.version).toBe(row.reliable === 'always' ? row.reliableVersion : undefined);
    expect(description.transport.kind).toBe(row.transport);
    if (row.modes[0] === 'Message') expect(description.security?.versions).toBe(row.versions);
  });

  test('each attribute is where it belongs', () => {
    const { description, notes } = describeWcfConfig(
      one(
        'ws2007HttpBinding',
        'openTimeout="00:00:30" closeTimeout="00:01:30" sendTimeout="1.00:00:00" receiveTimeout="00:20:00.5" maxReceivedMessageSize="1000000" messageEncoding="Text" textEncoding="utf-8" transactionFlow="false" allowCookies="false" hostNameComparisonMode="Exact"',
        `<reliableSession enabled="true" ordered="false" inactivityTimeout="00:05:00"/>
         <security mode="TransportWithMessageCredential"><message clientCredentialType="Certificate" establishSecurityContext="true" algorithmSuite="Basic256Sha256Rsa15"/></security>`,
      ),
    );
    expect(description).toMatchObject({
      limits: {
        openTimeout: 30_000,
        closeTimeout: 90_000,
        sendTimeout: 86_400_000,
        receiveTimeout: 1_200_500,
        maxReceivedMessageSize: 1_000_000,
      },
      reliableSession: { ordered: false, inactivityTimeout: 300_000, version: { name: '200702' } },
      transport: { tls: true },
      security: {
        mode: 'SecureConversation',
        suite: 'Basic256Sha256Rsa15',
        bootstrap: { mode: 'CertificateOverTransport' },
      },
    });
    expect(notes).toEqual([{ line: 2, text: 'hostNameComparisonMode: it concerns .NET only' }]);
  });

  test('a reliable session is off until it is enabled', () => {
    const text = one('wsHttpBinding', '', '<reliableSession ordered="true"/><security mode="None"/>');
    expect(describeWcfConfig(text).description.reliableSession).toBeUndefined();
  });

  test('the rules of consistency hold for what is read too', () => {
    const text = one(
      'wsHttpBinding',
      '',
      '<reliableSession enabled="true"/><security mode="Transport"><transport clientCredentialType="None"/></security>',
    );
    expect(code(() => describeWcfConfig(text))).toMatch(/^BINDING_RULE: .*TLS does not bind/);
  });
});

describe('customBinding', () => {
  test('elements in order, with every setting', () => {
    const { description } = describeWcfConfig(
      one(
        'customBinding',
        '',
        `<reliableSession acknowledgementInterval="00:00:00.5000000" flowControlEnabled="false" inactivityTimeout="00:03:00" maxPendingChannels="7" maxRetryCount="9" maxTransferWindowSize="16" ordered="false" reliableMessagingVersion="WSReliableMessaging11"/>
         <security authenticationMode="SecureConversation" messageSecurityVersion="${messageSecurityVersions[4]?.name}" requireSecurityContextCancellation="false">
           <secureConversationBootstrap authenticationMode="MutualCertificate" defaultAlgorithmSuite="Basic128Sha256" messageProtectionOrder="SignBeforeEncrypt"/>
         </security>
         <textMessageEncoding messageVersion="Soap11WSAddressingAugust2004" writeEncoding="utf-8"/>
         <httpTransport maxReceivedMessageSize="200000" authenticationScheme="Anonymous"/>`,
      ),
    );
    expect(description).toMatchObject({
      kind: 'customBinding',
      encoding: { soap: { name: '1.1' }, addressing: { name: '2004/08' } },
      reliableSession: {
        version: { name: '200702' },
        ordered: false,
        acknowledgementInterval: 500,
        flowControlEnabled: false,
        inactivityTimeout: 180_000,
        maxPendingChannels: 7,
        maxRetryCount: 9,
        maxTransferWindowSize: 16,
      },
      security: {
        mode: 'SecureConversation',
        requireCancellation: false,
        versions: { policy: '1.2' },
        bootstrap: {
          mode: 'MutualCertificate',
          suite: 'Basic128Sha256',
          protectionOrder: 'SignBeforeEncrypt',
          confirmSignatures: true,
        },
      },
      limits: { maxReceivedMessageSize: 200_000 },
      transport: { kind: 'http', tls: false },
    });
  });

  test.each([
    [
      'an element that is not spoken',
      '<transactionFlow/><httpTransport/>',
      /METADATA_UNSUPPORTED: .*<transactionFlow> \(line 2\)/,
    ],
    ['an element twice', '<httpTransport/><httpTransport/>', /METADATA_CHOICE: .*twice/],
    ['the wrong order', '<httpTransport/><reliableSession/>', /BINDING_RULE: .*outermost first/],
    [
      'an attribute that is not known',
      '<reliableSession speed="9"/><httpTransport/>',
      /METADATA_UNSUPPORTED: .*speed="9" of <reliableSession> \(line 2\)/,
    ],
    [
      'no Timestamp',
      '<security authenticationMode="UserNameOverTransport" includeTimestamp="false"/><httpsTransport/>',
      /METADATA_UNSUPPORTED: includeTimestamp/,
    ],
  ])('%s is named', (_, content, says) => {
    expect(code(() => describeWcfConfig(one('customBinding', '', content)))).toMatch(says);
  });
});

describe('names', () => {
  const endpoint = (name: string, configuration: string, address = 'https://orders.example/soap') =>
    `<endpoint name="${name}" address="${address}" binding="wsHttpBinding" bindingConfiguration="${configuration}" contract="IOrders"/>`;
  const binding = (name: string, kind = 'wsHttpBinding') => `<${kind}><binding name="${name}"/></${kind}>`;

  test("an endpoint leads to its binding, also when both have one name, as svcutil's have", () => {
    const text = config(binding('Orders'), endpoint('Orders', 'Orders'));
    expect(describeWcfConfig(text, 'Orders')).toMatchObject({
      address: new URL('https://orders.example/soap'),
      contract: 'IOrders',
      description: { kind: 'wsHttpBinding' },
    });
    expect(listWcfConfig(text).map(({ of, line }) => [of, line])).toEqual([
      ['binding', 2],
      ['client', 3],
    ]);
  });

  test('what else an endpoint says is noted, or named when it is not known', () => {
    const text = config(
      binding('Orders'),
      endpoint('Orders', 'Orders').replace('/>', '><identity><dns value="orders"/></identity></endpoint>'),
    );
    expect(describeWcfConfig(text, 'Orders').notes).toEqual([
      { line: 3, text: expect.stringMatching(/^<identity>: .*`peer`/) },
    ]);
    const headers = text.replaceAll('identity>', 'headers>');
    expect(code(() => describeWcfConfig(headers, 'Orders'))).toMatch(/^METADATA_UNSUPPORTED: <headers> \(line 3\)/);
  });

  test.each([
    [
      'of two kinds',
      config(binding('x') + binding('x', 'basicHttpBinding')),
      'x',
      /"x" has more than one answer: wsHttpBinding \(line 2\) and basicHttpBinding \(line 2\)/,
    ],
    [
      'twice in one kind',
      config(`<wsHttpBinding><binding name="x"/>\n<binding name="x"/></wsHttpBinding>`),
      'x',
      /line 2.*line 3/,
    ],
    [
      'an endpoint and another binding',
      config(binding('x') + binding('y', 'basicHttpBinding').replace('basic', 'basic'), endpoint('y', 'x')),
      'y',
      /more than one answer/,
    ],
    [
      'two addresses',
      config(binding('x'), endpoint('a', 'x') + endpoint('a', 'x', 'https://other.example/')),
      'a',
      /connect to https:\/\/orders.example\/soap and/,
    ],
    ['nowhere', config(binding('x')), 'z', /no binding and no endpoint "z". It has "x"/],
    ['no name where there are two', config(binding('x') + binding('y')), undefined, /Give the name of one/],
    ['an endpoint that leads nowhere', config(binding('x'), endpoint('a', 'gone')), 'a', /"gone", which is not there/],
  ])('a name %s is an error', (_, text, name, says) => {
    expect(code(() => describeWcfConfig(text, name))).toMatch(new RegExp(`^METADATA_CHOICE: .*${says.source}`));
  });
});

describe('what is not passed over', () => {
  test.each([
    [
      'an attribute nobody knows',
      one('wsHttpBinding', 'speed="9"'),
      /METADATA_UNSUPPORTED: The attribute speed="9" of <binding> \(line 2\)/,
    ],
    ['a child nobody knows', one('wsHttpBinding', '', '<turbo/>'), /METADATA_UNSUPPORTED: <turbo> \(line 2\)/],
    ['transactions', one('wsHttpBinding', 'transactionFlow="true"'), /METADATA_UNSUPPORTED: transactionFlow="true"/],
    [
      'a transformation',
      one('wsHttpBinding', 'xmlns:xdt="urn:xdt" xdt:Transform="Replace"'),
      /METADATA_UNSUPPORTED: The attribute Transform/,
    ],
    [
      'a transport that is not spoken',
      one('netTcpBinding'),
      /METADATA_UNSUPPORTED: The binding netTcpBinding \(line 2\) is not spoken/,
    ],
    [
      'another file',
      '<configuration><system.serviceModel><bindings configSource="b.config"/></system.serviceModel></configuration>',
      /METADATA_IMPORT: .*b.config/,
    ],
    [
      'a value of another kind',
      one('wsHttpBinding', 'sendTimeout="soon"'),
      /METADATA_DOCUMENT: .*sendTimeout="soon".*time span/,
    ],
    ['hours there are not', one('wsHttpBinding', 'sendTimeout="25:00:00"'), /METADATA_DOCUMENT/],
    ['another document', '<html/>', /METADATA_DOCUMENT: <html> \(line 1\) is no configuration/],
    [
      'attack: a document type',
      '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><configuration/>',
      /METADATA_DOCUMENT: .*XML_DTD|METADATA_DOCUMENT: .*document type/i,
    ],
    [
      'attack: a flood',
      `<configuration>${' '.repeat(documentLimits.document)}</configuration>`,
      /METADATA_DOCUMENT: .*limits.bytes/,
    ],
  ])('%s', (_, text, says) => {
    expect(code(() => describeWcfConfig(text))).toMatch(says);
  });
});

test('the binding of a configuration calls a service', async () => {
  const security =
    '<security mode="TransportWithMessageCredential"><message clientCredentialType="UserName" establishSecurityContext="false"/></security>';
  const text = one('ws2007HttpBinding', '', security);
  await using hosted = await served(
    bindingFromWcfConfig(text, 'x', { passwords, tls: tls.service }),
    'https://127.0.0.1:0/orders',
  );
  await using calls = calling(bindingFromWcfConfig(text, 'x', { username: alice, tls: tls.client }), hosted.url);
  expect(await calls.place({ sku: 'A-1', quantity: 3, tags: [] })).toEqual({ number: 1_003 });
  expect(code(() => bindingFromWcfConfig(text, 'x'))).toMatch(/^BINDING_CREDENTIALS/);
});
