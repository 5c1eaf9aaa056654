/** `surewire inspect wsdl`: what each port demands in plain words, and what is not spoken named with its line. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parts, wsdlText } from '../metadata/wsdl-text.ts';
import { ran } from './running.ts';

test('says what each port demands, and names what is not spoken with its line', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'surewire-inspect-'));
  const file = join(folder, 'orders.wsdl');
  await writeFile(file, wsdlText({ policy: parts.transport + parts.username }));
  const { exitCode, out } = await ran(['inspect', 'wsdl', file]);
  expect(exitCode).toBe(0);
  expect(out).toMatch(/"p" of s at https:\/\/orders.example\/soap\n[\s\S]*UserNameOverTransport/);
  await writeFile(file, wsdlText({ policy: '<magic xmlns="urn:magic"/>' }));
  const refused = await ran(['inspect', 'wsdl', file, 'p', '--json']);
  expect(refused.exitCode).toBe(2);
  const [first = ''] = refused.out.split('\n');
  expect(JSON.parse(first)).toMatchObject({ port: 'p', error: { code: 'METADATA_UNSUPPORTED' } });
  expect((await ran(['inspect', 'wsdl', file, 'z'])).err).toMatch(/no SOAP port "z". The WSDL has p/);
  await rm(folder, { recursive: true });
});
