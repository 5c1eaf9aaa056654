/** Every example runs by itself and says what it shows. */
import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { Cluster, noPostgres } from '../cluster.ts';
import { program } from '../program.ts';

const root = resolve(import.meta.dirname, '../..');

const says: ReadonlyMap<string, readonly (string | RegExp)[]> = new Map([
  ['00-readme.ts', ['2 × A-1, signed by O=surewire, OU=DEV ONLY, CN=client signing', 'order 1001 confirmed']],
  ['01-echo.ts', ['heard: hello, hello', 'refused: Silence {"advice":"Say something."}']],
  ['02-https.ts', ['alice is let in', 'a stranger is not']],
  [
    '03-signed.ts',
    ['signed by O=surewire, OU=DEV ONLY, CN=client signing', /signed parts: Body, .*Action/, 'order 1001'],
  ],
  [
    '04-reliable.ts',
    ['totals: 1 3 6 10 15 21 28 36 45 55', 'saw messages 1 2 3 4 5 6 7 8 9 10', /sent [1-9]\d* messages again/],
  ],
  [
    '05-durable.ts',
    [/is killed/, /begins with reading (9|[1-9]\d)\n/, /has 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20\n/],
  ],
  [
    '06-secure-conversation.ts',
    [
      'hears alice, by context',
      'total: 10',
      /on the wire: RST\/SCT, (200702\/CreateSequence, )+(Counter\/Add, ){4,}.*TerminateSequence, SCT\/Cancel\n/,
      /messages with the password: 1 of \d+/,
      'refused: RELIABLE_REFUSED',
    ],
  ],
  [
    '07-username-over-https.ts',
    [
      '2 × A-1 for alice',
      'order 1001 confirmed',
      'the WSDL says: SecureConversation after UserNameOverTransport',
      '1 × B-2 for alice',
      /refused: .*FailedAuthentication/,
    ],
  ],
  [
    '08-duplex-websocket.ts',
    [
      'bid 100, highest is 100',
      'bid 200, highest is 200',
      'bid 900, highest is 200',
      'heard: a vase: 100 is bid; a vase: 200 is bid; a vase: 900 is bid',
      'connections: 2',
    ],
  ],
  [
    '09-from-wcf-config.ts',
    [
      'OrdersEndpoint is ws2007HttpBinding at https://orders.example/soap',
      'reliable session: 200702, in order, 300 s',
      'order 1002 confirmed',
      /OldEndpoint cannot be used: .*SspiNegotiated is not spoken.*Use UserName, Certificate or IssuedToken/,
    ],
  ],
  [
    '10-federation.ts',
    [
      'the token service issues alice a token for https://orders.example/',
      '2 × A-1 for alice, who may: buy',
      '1 × B-7 for alice, who may: buy',
      'order 1002',
      'bob is refused',
    ],
  ],
  [
    '11-dual-http.ts',
    [
      'alice follows NL-1, encrypted: Signature, Body',
      'NL-1 is handed over to the neighbours',
      'parcels followed: 2',
      'NL-2 is in Delft, says the other end of the context',
      'refused: RELIABLE_REFUSED',
    ],
  ],
  [
    '12-behind-a-firewall.ts',
    [
      'page 1 is printed on 3 sheets of A4',
      'heard: page 1 is warming up',
      /exchange: SCT, CreateSequence, .*MakeConnection.*, Cancel\n/,
    ],
  ],
  ['13-moves-between-machines.ts', ['Name a PostgreSQL']],
  [
    '14-a-second-credential.ts',
    [
      'A-1 is 250 cents, for any till\nnot sold: NobodyIsSignedIn\n',
      'carol has not signed in: SECURITY_UNSECURED_FAULT\nnot sold: NobodyIsSignedIn\n',
      'carol has signed in\nA-1: sold by carol\nreceipt 501\n',
      'whose sequence it was, all along: 1 till\n',
    ],
  ],
]);

test('every example is run', () => {
  const files = readdirSync(resolve(root, 'examples')).filter((name) => name.endsWith('.ts'));
  expect(files.sort()).toEqual([...says.keys()]);
});

test.each([...says])('examples/%s', async (name, lines) => {
  const stdout = await program([`examples/${name}`], root);
  for (const line of lines) expect(stdout).toMatch(line);
});

const shared = '13-moves-between-machines.ts';
test.skipIf(noPostgres !== undefined)(`examples/${shared} at a database ${noPostgres ?? ''}`, async () => {
  const cluster = await Cluster.start();
  try {
    const args = [`examples/${shared}`, cluster.url];
    const stdout = await program(args, root);
    for (const line of [
      /machine 1 has the store and serves\nmachine 1 is killed\nmachine 2 has the store and serves\n/,
      '20 readings: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20\n',
      'machine 2 took the last of them: true',
    ]) {
      expect(stdout).toMatch(line);
    }
  } finally {
    await cluster.stop();
  }
});
