/**
 * Published policies against others' word for them: the schemas of OASIS and W3C as libxml2 reads them, the names that these
 * declare, and the assertions of reliable sessions as WCF writes them (WCF documentation 4.6).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { customBinding, describeCustom } from '../../src/binding/custom.ts';
import type { BindingDescription } from '../../src/binding/description.ts';
import { type PolicyVersion, policyVersions, rmp10, rmp11, sp11, sp12 } from '../../src/metadata/namespaces.ts';
import { writeWsdl } from '../../src/metadata/wsdl-writer.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import type { XmlElement } from '../../src/xml/document.ts';
import { scan } from '../../src/xml/scan.ts';
import { orders } from '../binding/rig.ts';
import { cases, spoken, versions } from './described.ts';

const schemas = resolve(import.meta.dirname, '../../../shared/vectors/schemas/local');
const python = '/usr/bin/python3';
const canValidate = existsSync(schemas) && spawnSync(python, ['-c', 'import lxml.etree']).status === 0;
const files = new Map([
  [sp11, 'ws-securitypolicy-200507.xsd'],
  [sp12, 'ws-securitypolicy-1.2.xsd'],
  [rmp10, 'wsrm-policy-200502.xsd'],
  [rmp11, 'wsrmp-1.1-schema-200702.xsd'],
]);

function wsdlOf(description: BindingDescription, policy: PolicyVersion): Uint8Array {
  const address = new URL(`http${description.transport.tls ? 's' : ''}://orders.example/soap`);
  return writeWsdl({ contract: orders, description, address, policy }).bytes;
}

/** Every WSDL of a version of WS-SecurityPolicy. */
function written(policy: PolicyVersion, security: '1.1' | '1.2'): readonly Uint8Array[] {
  const some = versions.filter((version) => version.policy === security);
  return some.flatMap((version) =>
    spoken
      .filter((mode) => mode !== 'UserNameForCertificate' || version.wss === '1.1')
      .flatMap((mode) => cases(mode, version))
      .map((description) => wsdlOf(description, policy)),
  );
}

function all(of: XmlElement): readonly XmlElement[] {
  return [of, ...of.children.flatMap(all)];
}

/** Validates every assertion that a schema declares, wherever it stands; one verdict a line. */
const validator = `
import sys, json
from lxml import etree
job = json.load(sys.stdin)
schema = etree.XMLSchema(etree.fromstring(job['driver']))
for text in job['documents']:
    wrong = []
    for element in etree.fromstring(text.encode()).iter('{%s}*' % job['namespace']):
        if element.getparent().tag.startswith('{%s}' % job['namespace']): continue
        alone = etree.fromstring(etree.tostring(element, with_tail=False))
        if not schema.validate(alone): wrong.append(str(schema.error_log.last_error))
    print(json.dumps(wrong))
`;

function verdicts(namespace: string, documents: readonly string[]): readonly string[] {
  const imports = [
    ['http://www.w3.org/2004/08/xop/include', 'xop-include.xsd'],
    [namespace, files.get(namespace) ?? ''],
  ].map(([of, file]) => `<xs:import namespace="${of}" schemaLocation="${join(schemas, file ?? '')}"/>`);
  const driver = `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">${imports.join('')}</xs:schema>`;
  const input = JSON.stringify({ driver, namespace, documents });
  const { status, stdout, stderr } = spawnSync(python, ['-c', validator], { input, encoding: 'utf8', maxBuffer: 1e8 });
  if (status !== 0) throw new Error(stderr);
  return stdout
    .trim()
    .split('\n')
    .flatMap((line) => JSON.parse(line) as string[]);
}

describe.each(policyVersions)('WS-Policy $name', (policy) => {
  describe.skipIf(!canValidate)('by the schemas (skipped where ../shared or python3-lxml is missing)', () => {
    const rows = [
      ['WS-SecurityPolicy 1.1', '1.1', sp11],
      ['WS-SecurityPolicy 1.2', '1.2', sp12],
      ['WS-RM Policy 2005/02', '1.1', rmp10],
      ['WS-RM Policy 1.1', '1.2', rmp11],
    ] as const;
    // The schema of WS-SecurityPolicy 1.1 is older than WS-Policy 1.5, and knows no other than its own.
    const known = rows.filter(([, , namespace]) => policy.name === '1.2' || namespace !== sp11);
    test.each(known)('%s: every assertion is declared, and valid', (_, security, namespace) => {
      const documents = written(policy, security);
      const text = readFileSync(join(schemas, files.get(namespace) ?? ''), 'utf8');
      const declared = new Set([...text.matchAll(/<xs:element\s+name="(\w+)"/g)].map(([, name]) => name));
      const used = documents
        .flatMap((octets) => all(scan(Buffer.from(octets)).root))
        .filter((one) => one.namespace === namespace);
      expect(used.length).toBeGreaterThan(10);
      expect(used.filter(({ local }) => !declared.has(local)).map(({ local }) => local)).toEqual([]);
      expect(
        verdicts(
          namespace,
          documents.map((octets) => Buffer.from(octets).toString()),
        ),
      ).toEqual([]);
    });
  });
});

test.skipIf(!canValidate)('what the schemas do not have is found', () => {
  const wsp = 'http://schemas.xmlsoap.org/ws/2004/09/policy';
  const layout = `<p><sp:Layout xmlns:sp="${sp12}"><sp:Strict/></sp:Layout></p>`;
  const sound = `<p><sp:Layout xmlns:sp="${sp12}"><w:Policy xmlns:w="${wsp}"><sp:Strict/></w:Policy></sp:Layout></p>`;
  expect(verdicts(sp12, [sound])).toEqual([]);
  expect(verdicts(sp12, [layout, `<p><sp:Lay xmlns:sp="${sp12}"/></p>`])).toHaveLength(2);
});

describe('as WCF writes them (4.6)', () => {
  /** Names, prefixed as in the documentation, and attributes. */
  const shape = (of: XmlElement): string => {
    const prefix = new Map([
      [rmp10, 'r'],
      [rmp11, 'wsrmp'],
      ['http://schemas.microsoft.com/ws-rx/wsrmp/200702', 'netrmp'],
    ]).get(of.namespace);
    const attributes = of.attributes.map(({ local, value }) => ` ${local}=${value}`).join('');
    const children = of.children.map(shape).join(' ');
    return `${prefix ?? 'wsp'}:${of.local}${attributes}${children === '' ? '' : `(${children})`}`;
  };
  const assertionOf = (description: BindingDescription): string => {
    const [wsp12] = policyVersions;
    if (wsp12 === undefined) throw new Error('there is a version');
    const found = all(scan(Buffer.from(wsdlOf(description, wsp12))).root).find(({ local }) => local === 'RMAssertion');
    return found === undefined ? '' : shape(found);
  };
  const times = (prefix: string) =>
    `${prefix}:InactivityTimeout Milliseconds=600000 ${prefix}:AcknowledgementInterval Milliseconds=200`;
  const assured = (order: string) =>
    `wsrmp:DeliveryAssurance(wsp:Policy(wsrmp:ExactlyOnce${order === '' ? '' : ` ${order}`}))`;

  test('a certificate over TLS signs wsa:To (5.2, 2)', () => {
    const security = { kind: 'security', authenticationMode: 'CertificateOverTransport' } as const;
    for (const policy of policyVersions) {
      const octets = wsdlOf(describeCustom([security, { kind: 'httpsTransport' }]), policy);
      const holder = all(scan(Buffer.from(octets)).root).find(({ local }) => local === 'EndorsingSupportingTokens');
      const [header, ...more] = holder === undefined ? [] : all(holder).filter(({ local }) => local === 'Header');
      expect(more).toEqual([]);
      expect([header?.attribute('Name'), header?.attribute('Namespace')]).toEqual([
        'To',
        'http://www.w3.org/2005/08/addressing',
      ]);
    }
  });

  test('2005/02', () => {
    const { description } = customBinding([{ kind: 'reliableSession' }, { kind: 'httpsTransport' }]);
    expect(assertionOf(description)).toBe(`r:RMAssertion(${times('r')})`);
  });

  test.each([
    [true, 'wsrmp:InOrder'],
    [false, ''],
  ])('200702, ordered: %s', (ordered, order) => {
    const session = { kind: 'reliableSession', version: reliable200702, ordered } as const;
    const description = describeCustom([session, { kind: 'httpsTransport' }]);
    expect(assertionOf(description)).toBe(`wsrmp:RMAssertion(wsp:Policy(${assured(order)}) ${times('netrmp')})`);
  });

  test('200702 under a security context: SequenceSTR first', () => {
    const description = describeCustom([
      { kind: 'reliableSession', version: reliable200702 },
      {
        kind: 'security',
        authenticationMode: 'SecureConversation',
        secureConversationBootstrap: { authenticationMode: 'UserNameOverTransport' },
      },
      { kind: 'httpsTransport' },
    ]);
    expect(assertionOf(description)).toBe(
      `wsrmp:RMAssertion(wsp:Policy(wsrmp:SequenceSTR ${assured('wsrmp:InOrder')}) ${times('netrmp')})`,
    );
  });
});
