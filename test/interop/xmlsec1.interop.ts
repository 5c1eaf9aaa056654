/** The xmlsec1 command, both ways: it verifies and decrypts what is made here, and what it makes is examined here. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { wsu } from '../../src/security/names.ts';
import type { XmlElement } from '../../src/xml/document.ts';
import { scan } from '../../src/xml/scan.ts';
import { ourReading, plain, sessions, theirReading, type, ways } from '../security/encryption/beside-xmlsec.ts';
import type { Row } from './matrix.ts';
import { type PartyName, parties } from './parties.ts';
import { digestRows, signatureRows, unlessWeak } from './signature-rows.ts';
import { scenario, unclaimed, withPeer } from './suite.ts';
import { heard, made, signing } from './surewire-party.ts';
import { buildFolder, NotInstalled, run } from './tools.ts';

const folder = join(buildFolder, 'xmlsec1');

/** `--id-attr` for every kind of element that bears a wsu:Id. */
function idAttributes(text: string): readonly string[] {
  const found = new Set<string>();
  const visit = (element: XmlElement): void => {
    if (element.attribute('Id', wsu) !== undefined) found.add(`${element.namespace}:${element.local}`);
    element.children.forEach(visit);
  };
  visit(scan(Buffer.from(text)).root);
  return [...found].flatMap((name) => ['--id-attr:Id', name]);
}

async function file(name: string, content: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${process.pid}-${name}`);
  await writeFile(path, content);
  return path;
}

await withPeer(
  'xmlsec1',
  async () => {
    const said = await run('xmlsec1', ['--version']).catch((thrown: unknown) => {
      throw thrown instanceof NotInstalled ? new NotInstalled(`${thrown.message} (apt-get install xmlsec1)`) : thrown;
    });
    return { version: said.split(' ')[1] ?? '', all: await parties() };
  },
  ({ version, all }) => {
    type Start = Omit<Row, 'result' | 'reason'>;
    const inbound = (scenario: string): Start => ({
      peer: 'xmlsec1',
      version,
      scenario,
      direction: 'xmlsec1 -> surewire',
    });
    const outbound = (scenario: string): Start => ({
      peer: 'xmlsec1',
      version,
      scenario,
      direction: 'surewire -> xmlsec1',
    });

    describe('signatures', () => {
      const verify = async (text: string, who: PartyName): Promise<string> =>
        run('xmlsec1', [
          '--verify',
          '--pubkey-cert-pem',
          all.of[who].certificateFile,
          ...idAttributes(text),
          await file('in.xml', text),
        ]);
      /** A message that is signed in every place but for its values, which xmlsec1 puts in. */
      const sign = async (text: string, who: PartyName): Promise<string> => {
        const template = text
          .replace(/<ds:DigestValue>[^<]*/g, '<ds:DigestValue>')
          .replace(/<ds:SignatureValue>[^<]*/, '<ds:SignatureValue>');
        const path = await file('template.xml', template);
        return run('xmlsec1', ['--sign', '--privkey-pem', all.of[who].keyFile, ...idAttributes(template), path]);
      };
      for (const [name, algorithm, who] of signatureRows) {
        const weak = unlessWeak(algorithm);
        scenario(outbound(`signature ${name}`), async () => {
          const text = await made(signing(all, who, { algorithm, ...weak }));
          await verify(text, who);
          await expect(verify(text.replace('A-1', 'A-2'), who)).rejects.toThrow('xmlsec1');
        });
        scenario(inbound(`signature ${name}`), async () => {
          const text = await sign(await made(signing(all, who, { algorithm, ...weak })), who);
          expect((await heard(signing(all, 'service', weak), text)).body).toContain('A-1');
        });
      }
      for (const digest of digestRows) {
        scenario(outbound(`digest ${digest.hash}`), async () => {
          await verify(await made(signing(all, 'client', { digest })), 'client');
        });
        scenario(inbound(`digest ${digest.hash}`), async () => {
          const text = await sign(await made(signing(all, 'client', { digest })), 'client');
          expect((await heard(signing(all, 'service'), text)).body).toContain('A-1');
        });
      }
      scenario(outbound('signed token (token protection)'), async () => {
        await verify(await made(signing(all, 'client', { signToken: true })), 'client');
      });
      for (const direction of [inbound, outbound]) {
        unclaimed(direction('signature Ed25519'), 'xmlsec1-ed25519');
        unclaimed(direction('signature RSA-PSS-SHA256'), 'xmlsec1-rsa-pss');
      }
    });

    describe('encryption, element by element: xmlsec1 follows no SecurityTokenReference', () => {
      for (const [at, way] of ways.entries()) {
        for (const [index, [cipher]] of sessions.entries()) {
          const kind = type(at + index);
          const title = `${short(way.name)}, ${short(cipher.uri)}, ${kind.toLowerCase()}`;
          scenario(outbound(title), async () => expect(theirReading(way, cipher, kind)).toBe(plain));
          scenario(inbound(title), async () => expect(await ourReading(way, cipher, kind)).toBe(plain));
        }
      }
    });
  },
);

function short(uri: string): string {
  return uri.slice(uri.indexOf('#') + 1);
}
