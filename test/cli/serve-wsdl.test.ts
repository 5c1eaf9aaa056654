/** `surewire serve --wsdl`: what is told of the drop box is what it does, read back by `inspect` and by a client that sends. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { developmentPki } from '../../src/certificates/development-pki.ts';
import { connect } from '../../src/channel/binding.ts';
import { bindingFromWsdl } from '../../src/metadata/import.ts';
import { signingKey } from '../../src/security/keys.ts';
import { client } from '../../src/service/client.ts';
import { contract, oneWay } from '../../src/service/contract.ts';
import { record, text } from '../../src/service/shape.ts';
import { Child, ran } from './running.ts';

test('a client is made of it, and what it sends is delivered', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'surewire-serve-wsdl-'));
  const certs = join(folder, 'certs');
  await developmentPki({ folder: certs, algorithms: ['ec'] });
  const pem = (name: string) => readFile(join(certs, name));
  const serving = new Child(
    ['serve', '--wsdl', '--port', '0', '--to', join(folder, 'inbox'), '--certs', certs, '--json'],
    folder,
  );
  onTestFinished(async () => {
    serving.kill('SIGKILL');
    await serving.exited;
    await rm(folder, { recursive: true });
  });
  await serving.until(() => serving.out.length > 0);
  const { listening } = JSON.parse(serving.out[0] ?? '') as { listening: string };
  const shown = await ran(['inspect', 'wsdl', `${listening}?wsdl`, '--ca', join(certs, 'trust.pem')]);
  expect(shown.out).toMatch(/reliable, WS-ReliableMessaging 200702, in order/);
  expect(shown.out).toMatch(/MutualCertificateDuplex: .*signed only/);
  const via = await bindingFromWsdl(`${listening}?wsdl`, undefined, {
    tls: { ca: await pem('trust.pem') },
    key: signingKey({
      privateKey: await pem('ec/client-signing.key.pem'),
      certificate: await pem('ec/client-signing.chain.pem'),
    }),
    peer: await pem('ec/service-signing.cert.pem'),
  });
  const drop = contract({
    name: 'DropBox',
    namespace: 'urn:surewire:drop',
    operations: { document: oneWay({ request: record({ order: text }), action: 'urn:surewire:drop/Document' }) },
  });
  const calls = client(drop, connect(via, new URL(listening)));
  await calls.document({ order: 'A-1' });
  await calls.close();
  serving.kill('SIGINT');
  expect(await serving.exited).toBe(0);
  // What was acknowledged may still be on its way to the disk; whoever ends waits for it.
  const [file = ''] = await readdir(join(folder, 'inbox'));
  expect(await readFile(join(folder, 'inbox', file), 'utf8')).toContain('<order>A-1</order>');
});
