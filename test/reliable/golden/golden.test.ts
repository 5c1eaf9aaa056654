/**
 * Golden transcripts of every message kind and fault of WS-RM, in both versions and both SOAP versions, with WS-Addressing
 * 2005/08 and, where WCF pairs them, 2004/08. The files are what the product writes (SUREWIRE_UPDATE_GOLDEN=1 writes them
 * anew); what they have to look like is said by hand in `rules.ts`, by the schemas, and by what WCF and Metro sent.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { reliable200502 } from '../../../src/reliable/versions/v200502.ts';
import { reliable200702 } from '../../../src/reliable/versions/v200702.ts';
import { addressing200408, addressing200508 } from '../../../src/soap/addressing-versions.ts';
import { readEnvelope } from '../../../src/soap/envelope.ts';
import type { Message } from '../../../src/soap/message.ts';
import { soap11, soap12 } from '../../../src/soap/version.ts';
import { scan } from '../../../src/xml/scan.ts';
import { cleanCaptures, hasCaptures, recorded, withoutData } from '../recorded.ts';
import { fileName, read, written } from './file.ts';
import { rules } from './rules.ts';
import type { Combination } from './scene.ts';
import { shapeOf } from './shape.ts';
import { transcript } from './transcript.ts';

const combinations: readonly Combination[] = [soap11, soap12].flatMap((soap) => [
  { version: reliable200502, soap, wsa: addressing200408 },
  { version: reliable200502, soap, wsa: addressing200508 },
  { version: reliable200702, soap, wsa: addressing200508 },
]);

const { SUREWIRE_UPDATE_GOLDEN } = process.env;
const updates = SUREWIRE_UPDATE_GOLDEN === '1';

function golden(of: Combination): ReadonlyMap<string, string> {
  const path = join(import.meta.dirname, fileName(of));
  return existsSync(path) ? read(readFileSync(path, 'utf8')) : new Map();
}

function message(envelope: string): Message {
  return readEnvelope(scan(Buffer.from(envelope)));
}

describe.each(combinations.map((of) => [fileName(of), of] as const))('%s', (name, of) => {
  test('is what the product writes, octet for octet', async () => {
    const made = await transcript(of);
    if (updates) writeFileSync(join(import.meta.dirname, name), written(made));
    expect(written(made)).toBe(written(golden(of)));
  });

  const shapes = rules(of);
  test('has every message that there is a rule for, and no other', () => {
    expect([...golden(of).keys()].sort()).toEqual([...shapes.keys()].sort());
  });

  test.each([...golden(of)])('%s: action, header blocks, their order, mustUnderstand, children', (kind, envelope) => {
    expect(shapeOf(message(envelope))).toEqual(shapes.get(kind));
  });
});

const schemas = resolve(import.meta.dirname, '../../../../shared/vectors/schemas/local');
const python = '/usr/bin/python3';
const canValidate = existsSync(schemas) && spawnSync(python, ['-c', 'import lxml.etree']).status === 0;

/** Validates envelopes as libxml2 reads the schemas; one verdict a line, empty where it is valid. */
const validator = `
import sys, json
from lxml import etree
job = json.load(sys.stdin)
schema = etree.XMLSchema(etree.parse(job['schema']))
for text in job['envelopes']:
    document = etree.fromstring(text.encode())
    print('' if schema.validate(document) else json.dumps(str(schema.error_log.last_error)))
`;

function verdicts({ version, soap, wsa }: Combination, envelopes: readonly string[]): readonly string[] {
  const isAugust = wsa === addressing200408;
  const rm = version === reliable200702 ? 'wsrm-1.1.xsd' : isAugust ? 'wsrm-1.0.xsd' : 'wsrm-1.0-wsa15.xsd';
  const imports = [
    [soap.namespace, soap === soap11 ? 'soap-1.1.xsd' : 'soap-1.2.xsd'],
    [wsa.namespace, isAugust ? 'ws-addr200408.xsd' : 'ws-addr.xsd'],
    [version.namespace, rm],
  ].map(([namespace, file]) => `<xs:import namespace="${namespace}" schemaLocation="${schemas}/${file}"/>`);
  const folder = mkdtempSync(join(tmpdir(), 'golden-'));
  try {
    const schema = join(folder, 'driver.xsd');
    writeFileSync(schema, `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">${imports.join('')}</xs:schema>`);
    const input = JSON.stringify({ schema, envelopes });
    const { status, stdout, stderr } = spawnSync(python, ['-c', validator], { input, encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    return stdout.split('\n').slice(0, envelopes.length);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe.skipIf(!canValidate)('by the schemas (skipped where ../shared or python3-lxml is missing)', () => {
  test.each(combinations.map((of) => [fileName(of), of] as const))('%s is valid', (_, of) => {
    const messages = golden(of);
    // The schema of SOAP 1.1 is older than the Basic Profile, which lets faultstring have xml:lang (BP 1.1, R1016).
    const plain = (envelope: string) => envelope.replace(/<faultstring xml:lang="en">/, '<faultstring>');
    const found = verdicts(of, [...messages.values()].map(plain));
    const wrong = [...messages.keys()].map((name, at) => [name, found[at] ?? 'no verdict'] as const);
    expect(wrong.filter(([, verdict]) => verdict !== '')).toEqual([]);
  });

  test.each(combinations.map((of) => [fileName(of), of] as const))('%s: children in another order are not', (_, of) => {
    const sequenced = golden(of).get('request, first') ?? '';
    const turned = sequenced.replace(
      /(<r:Identifier>.*?<\/r:Identifier>)(<r:MessageNumber>.*?<\/r:MessageNumber>)/,
      '$2$1',
    );
    expect(turned).not.toBe(sequenced);
    expect(verdicts(of, [turned])[0]).toContain('MessageNumber');
  });
});

/** Action, header blocks and body, where what the application calls its operation is left out. */
function told(of: Message, only: (block: string) => boolean = () => true): string {
  const { action, headers, body } = shapeOf(of);
  const isOurs = action.startsWith('http://');
  return [isOurs ? action : 'application', ...headers.filter(only), body].join(' | ');
}

/** The blocks of WS-RM in any order, without what Metro adds (AckRequested) or may leave out (netrm, the behaviour, marks). */
function ofReliable(of: Message): string {
  const parts = told(of, (block) => block.startsWith('r:') && !block.startsWith('r:AckRequested')).split(' | ');
  return parts
    .map((part) => part.replace(/ (n:BufferRemaining|r:IncompleteSequenceBehavior)|!/g, ''))
    .sort()
    .join(' | ');
}

describe.skipIf(!hasCaptures)(hasCaptures ? 'beside real messages' : withoutData, () => {
  test.each(cleanCaptures)('%s: each message of the WCF client has the shape of one of ours', (name) => {
    const exchanges = recorded(name);
    const version = name.includes('rm10') ? reliable200502 : reliable200702;
    const ours = [...golden({ version, soap: soap12, wsa: addressing200508 }).values()].map(message);
    const shapes = ours.map((one) => told(one));
    for (const { request, number } of exchanges) {
      if (request.message === undefined) continue;
      expect(shapes, `request ${number} of ${name}`).toContain(told(request.message));
    }
  });

  test.each(cleanCaptures)('%s: what WS-RM says in each answer of Metro, one of ours says', (name) => {
    const exchanges = recorded(name);
    const version = name.includes('rm10') ? reliable200502 : reliable200702;
    const shapes = [...golden({ version, soap: soap12, wsa: addressing200508 }).values()].map(message).map(ofReliable);
    for (const { response, number } of exchanges) {
      if (response?.message === undefined) continue;
      expect(shapes, `answer ${number} of ${name}`).toContain(ofReliable(response.message));
    }
  });
});
