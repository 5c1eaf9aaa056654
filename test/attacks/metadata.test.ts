/** What a document names is not what is read (attack A11): files, other machines, cycles, floods, redirections. */
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { documentLimits } from '../../src/metadata/documents.ts';
import { describeWsdl } from '../../src/metadata/import.ts';
import { wsdlText } from '../metadata/wsdl-text.ts';

let folder: string;
let server: Server;
let origin: string;
const asked: string[] = [];
const answers = new Map<string, string | { status: number; location: string }>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'surewire-imports-'));
  await mkdir(join(folder, 'wsdl/below'), { recursive: true });
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const answer = answers.get(request.url ?? '');
    if (typeof answer === 'object') response.writeHead(answer.status, { location: answer.location });
    response.end(typeof answer === 'string' ? answer : '');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

const importing = (location: string) => wsdlText({ more: `<import location="${location}"/>` });

async function fromFile(text: string, origins: readonly string[] = []): Promise<string> {
  const file = join(folder, 'wsdl/main.wsdl');
  await writeFile(file, text);
  return outcome(file, origins);
}

function outcome(from: string, origins: readonly string[] = []): Promise<string> {
  return describeWsdl(from, 'p', { origins }).then(
    () => 'read',
    (thrown: { code?: string; message: string }) => `${thrown.code}: ${thrown.message}`,
  );
}

describe('a file', () => {
  test('leads to files beside and below it', async () => {
    await writeFile(join(folder, 'wsdl/below/more.wsdl'), '<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"/>');
    expect(await fromFile(importing('below/more.wsdl'))).toBe('read');
  });

  test.each([
    ['above it', '../secret.wsdl'],
    ['anywhere', pathToFileURL('/etc/passwd').href],
    ['at an address of the network', 'http://169.254.169.254/latest/meta-data/'],
    ['in another scheme', 'data:text/xml,x'],
    ['that are not there', 'below/none.wsdl'],
  ])('does not lead to documents %s', async (_, location) => {
    await writeFile(join(folder, 'secret.wsdl'), '<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"/>');
    const before = asked.length;
    expect(await fromFile(importing(location))).toMatch(
      /^METADATA_IMPORT: <import> \(line \d+\) leads to .* which is not read/,
    );
    expect(asked.length).toBe(before);
  });

  test('A11 a file does not lead out of its folder by a link', async () => {
    await writeFile(join(folder, 'secret.wsdl'), '<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"/>');
    await symlink(join(folder, 'secret.wsdl'), join(folder, 'wsdl/link.wsdl'));
    expect(await fromFile(importing('link.wsdl'))).toMatch(/^METADATA_IMPORT/);
  });

  test('A11 a file leads to another machine only where its origin is named', async () => {
    answers.set('/more.wsdl', '<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"/>');
    expect(await fromFile(importing(`${origin}/more.wsdl`))).toMatch(/^METADATA_IMPORT: .*origins/);
    expect(await fromFile(importing(`${origin}/more.wsdl`), [origin])).toBe('read');
    expect(await fromFile(importing(`${origin}.evil.example/more.wsdl`), [origin])).toMatch(/^METADATA_IMPORT/);
  });
});

describe('an address', () => {
  test('A11 an address does not lead to files, nor to other origins', async () => {
    for (const location of [
      'file:///etc/passwd',
      'http://127.0.0.1:1/more.wsdl',
      'https://127.0.0.1/more.wsdl',
      '//evil.example/x',
    ]) {
      answers.set('/main.wsdl', importing(location));
      expect(await outcome(`${origin}/main.wsdl`)).toMatch(/^METADATA_IMPORT/);
    }
  });

  test('leads within its origin, once to each document, whatever circle they make', async () => {
    answers.set('/main.wsdl', importing('/a.wsdl'));
    answers.set(
      '/a.wsdl',
      '<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"><import location="main.wsdl"/><import location="a.wsdl#x"/></definitions>',
    );
    asked.length = 0;
    expect(await outcome(`${origin}/main.wsdl`)).toBe('read');
    expect(asked).toEqual(['/main.wsdl', '/a.wsdl']);
  });

  test('A11 a redirection is not followed', async () => {
    answers.set('/main.wsdl', { status: 302, location: '/more.wsdl' });
    answers.set('/more.wsdl', wsdlText({}));
    asked.length = 0;
    expect(await outcome(`${origin}/main.wsdl`)).toMatch(/^TRANSPORT_STATUS: .*Redirections are not followed/);
    expect(asked).toEqual(['/main.wsdl']);
  });

  test('P1 over plain HTTP from another machine is refused before anything is sent, unless that is asked for by name', async () => {
    expect(await outcome('http://orders.example/soap?wsdl')).toMatch(/^METADATA_IMPORT: .*unsafeMetadataOverHttp/);
  });

  test('a password in it is refused', async () => {
    expect(await outcome(`${origin.replace('//', '//user:secret@')}/main.wsdl`)).toMatch(/^TRANSPORT_ADDRESS/);
  });
});

describe('floods', () => {
  test('a document that is too large, from a file and from an address', async () => {
    const text = wsdlText({ more: `<!--${'x'.repeat(documentLimits.document)}-->` });
    expect(await fromFile(text)).toMatch(/^METADATA_DOCUMENT: .*more than 4194304 octets/);
    answers.set('/main.wsdl', text);
    expect(await outcome(`${origin}/main.wsdl`)).toMatch(/^TRANSPORT_OVERSIZE/);
  });

  test('A11 a chain of documents, and a document that leads to too many', async () => {
    for (let at = 0; at < 20; at++) {
      answers.set(
        `/chain${at}.wsdl`,
        `<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"><import location="chain${at + 1}.wsdl"/></definitions>`,
      );
    }
    expect(await outcome(`${origin}/chain0.wsdl`)).toMatch(/^METADATA_IMPORT: .*more than 8 documents lead to it/);
    const many = Array.from({ length: 40 }, (_, at) => `<import location="many${at}.wsdl"/>`).join('');
    for (let at = 0; at < 40; at++)
      answers.set(`/many${at}.wsdl`, '<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"/>');
    answers.set('/main.wsdl', wsdlText({ more: many }));
    expect(await outcome(`${origin}/main.wsdl`)).toMatch(/^METADATA_IMPORT: .*more than 32 documents/);
  });

  test('policies that multiply', async () => {
    const choice = (name: string) =>
      `<w:Policy><w:ExactlyOne>${Array.from({ length: 64 }, (_, at) => `<${name}${at} xmlns="urn:x"/>`).join('')}</w:ExactlyOne></w:Policy>`;
    const binding = `<binding name="c" type="t:p">${choice('a')}${choice('b')}${choice('c')}<soap:binding transport="http://schemas.xmlsoap.org/soap/http"/></binding>`;
    const service = '<service name="x"><port name="q" binding="t:c"/></service>';
    const file = join(folder, 'wsdl/many.wsdl');
    await writeFile(file, wsdlText({ more: binding + service }));
    await expect(describeWsdl(file, 'q')).rejects.toMatchObject({ code: 'METADATA_POLICY_LIMIT' });
  });

  test('D1 a document type with entities', async () => {
    expect(await fromFile(`<!DOCTYPE a [<!ENTITY b "bb">]>${wsdlText({})}`)).toMatch(/^METADATA_DOCUMENT/);
  });
});
