/**
 * A session that survives a crash: the sender is killed (as by `kill -9`) in the middle of its work, starts again with the
 * same store and label, and goes on. Nothing is lost, nothing arrives twice.
 *
 *     node examples/05-durable.ts
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  addressing200508,
  binding,
  client,
  connect,
  contract,
  dispatcher,
  exchange,
  host,
  httpTransport,
  integer,
  oneWay,
  record,
  reliableSession,
  type SessionView,
  sqlite,
} from '../src/index.ts';

const meter = contract({
  name: 'Meter',
  namespace: 'urn:example:meter',
  operations: { report: oneWay({ request: record({ reading: integer }) }) },
});
const READINGS = 20;

/** The sender: reports the readings that no earlier life of it has submitted. */
async function send(address: URL, file: string): Promise<void> {
  const store = sqlite(file);
  let session: SessionView | undefined;
  const reliable = reliableSession({
    store,
    label: 'meter 7',
    to: address,
    oneWay: true,
    onSession: (opened) => {
      session = opened;
    },
  });
  const via = binding([exchange({ addressing: addressing200508 }), reliable], httpTransport());
  const calls = client(meter, connect(via, address));
  await calls.open();
  const from = (session?.submitted ?? 0) + 1;
  console.log(`sender: begins with reading ${from}`);
  for (let reading = from; reading <= READINGS; reading++) await calls.report({ reading });
  await calls.close();
  await store.close();
}

/** The service, which pulls the plug of the sender once. */
async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'surewire-durable-'));
  const readings: number[] = [];
  let onReading: (reading: number) => void = () => undefined;
  const service = dispatcher(meter, {
    report({ reading }) {
      readings.push(reading);
      onReading(reading);
    },
  });
  const via = binding([exchange({ addressing: addressing200508 }), reliableSession()], httpTransport());
  await using hosted = await host([{ binding: via, url: new URL('http://127.0.0.1:0/meter'), receive: service }]);
  const sender = () => fork(import.meta.filename, [hosted.url.href, join(folder, 'sender.db')]);

  const first = sender();
  onReading = (reading) => reading === 8 && first.kill('SIGKILL');
  await once(first, 'exit');
  console.log(`service: has readings 1 to ${readings.at(-1)} when the sender is killed`);
  await once(sender(), 'exit');
  console.log(`service: has ${readings.join(' ')}`);
  await rm(folder, { recursive: true });
}

const [, , address, file] = process.argv;
await (address === undefined || file === undefined ? main() : send(new URL(address), file));
