/**
 * A service that moves: its sessions are in PostgreSQL, one process serves, another stands by. The first is killed (as by
 * `kill -9`); when its lease has run out, the second takes the store over and goes on with the same sessions. The client notices
 * nothing but a pause.
 *
 *     node examples/13-moves-between-machines.ts postgres://me@localhost/scratch
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
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
  postgres,
  record,
  reliableSession,
} from '../src/index.ts';

const meter = contract({
  name: 'Meter',
  namespace: 'urn:example:meter',
  operations: { report: oneWay({ request: record({ reading: integer }) }) },
});
const READINGS = 20;

/** One machine: waits for the store, then serves. */
async function serve(database: string, machine: string, port: string): Promise<void> {
  // Whoever started it is gone.
  process.once('disconnect', () => process.exit());
  const tell = (what: object): boolean | undefined => process.send?.({ machine, ...what });
  // Said in any case: this one stands by, or has the store at once.
  tell({ port: Number(port) });
  const store = await postgres(`${database}#meters`, { holder: machine, lease: 2_000, wait: 60_000 });
  const service = dispatcher(meter, { report: ({ reading }) => void tell({ reading }) });
  const via = binding([exchange({ addressing: addressing200508 }), reliableSession({ store })], httpTransport());
  const hosted = await host([{ binding: via, url: new URL(`http://127.0.0.1:${port}/meter`), receive: service }]);
  tell({ port: Number(hosted.url.port), epoch: store.epoch });
  process.once('SIGTERM', async () => {
    await hosted.close();
    await store.close();
    process.disconnect();
  });
}

interface Told {
  readonly machine: string;
  readonly port?: number;
  readonly epoch?: number;
  readonly reading?: number;
}

/** The client, and who starts and kills machines. */
async function main(database: string): Promise<void> {
  const readings = new Map<number, string>();
  let onReading: (reading: number) => void = () => undefined;
  const start = (machine: string, port: number): ChildProcess => {
    const process = fork(import.meta.filename, [database, machine, String(port)]);
    return process.on('message', ({ reading, epoch }: Told) => {
      if (epoch !== undefined) console.log(`${machine} has the store and serves`);
      if (reading === undefined) return;
      readings.set(reading, machine);
      onReading(reading);
    });
  };
  const serving = async (machine: ChildProcess): Promise<number> => {
    for (;;) {
      const [told] = (await once(machine, 'message')) as [Told];
      if (told.epoch !== undefined) return told.port ?? 0;
    }
  };
  const first = start('machine 1', 0);
  const port = await serving(first);
  const second = start('machine 2', port);
  await once(second, 'message');
  onReading = (reading) => {
    if (reading !== 8 || !first.kill('SIGKILL')) return;
    console.log('machine 1 is killed');
  };
  const address = new URL(`http://127.0.0.1:${port}/meter`);
  const via = binding([exchange({ addressing: addressing200508 }), reliableSession({ oneWay: true })], httpTransport());
  const calls = client(meter, connect(via, address));
  for (let reading = 1; reading <= READINGS; reading++) await calls.report({ reading });
  await calls.close();
  second.kill('SIGTERM');
  await once(second, 'exit');
  console.log(`${readings.size} readings: ${[...readings.keys()].join(' ')}`);
  console.log(`machine 2 took the last of them: ${readings.get(READINGS) === 'machine 2'}`);
}

const [, , database, machine, port = '0'] = process.argv;
if (database === undefined) console.log('Name a PostgreSQL: node examples/13-moves-between-machines.ts postgres://…');
else await (machine === undefined ? main(database) : serve(database, machine, port));
