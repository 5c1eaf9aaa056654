/** The demo's bad network does what it is told to, counts it, and does the same again for the same seed. */
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { Agent, createServer, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { developmentPki } from '../../src/certificates/development-pki.ts';
import { faultyNetwork, type Mishaps } from '../../src/cli/network.ts';

let folder: string;
let server: Server;
let tls: { cert: Buffer; key: Buffer; ca: Buffer };
let heard: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'surewire-network-'));
  await developmentPki({ folder, algorithms: ['ec'] });
  tls = {
    cert: await readFile(join(folder, 'ec/server.chain.pem')),
    key: await readFile(join(folder, 'ec/server.key.pem')),
    ca: await readFile(join(folder, 'trust.pem')),
  };
  server = createServer({ cert: tls.cert, key: tls.key }, async (from, answer) => {
    const body = Buffer.concat(await from.toArray()).toString();
    heard.push(body);
    answer.end(`re: ${body}`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

const calm: Mishaps = { loss: 0, duplicate: 0, delay: 0, reorder: 0, breakage: 0 };

/** Sends `count` bodies, one after the other or all at once; a value for each: the answer, or undefined. */
async function sent(mishaps: Partial<Mishaps>, count: number, together = false, seed = 5) {
  heard = [];
  const to = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}/drop`);
  await using network = await faultyNetwork({ to, tls, seed, mishaps: { ...calm, ...mishaps } });
  const agent = new Agent({ ca: tls.ca, keepAlive: true, maxSockets: together ? count : 1 });
  const one = async (body: string): Promise<string | undefined> => {
    try {
      const asking = request(network.url, { method: 'POST', agent });
      asking.end(body);
      const [answer] = await once(asking, 'response');
      return Buffer.concat(await answer.toArray()).toString();
    } catch {
      return undefined;
    }
  };
  const bodies = Array.from({ length: count }, (_, at) => `${at}`);
  const answers: (string | undefined)[] = [];
  if (together) answers.push(...(await Promise.all(bodies.map(one))));
  else for (const body of bodies) answers.push(await one(body));
  agent.destroy();
  return { answers, counts: { ...network.counts } };
}

test('without mishaps everything passes, once', async () => {
  const { answers, counts } = await sent({}, 10);
  expect(answers).toEqual(Array.from({ length: 10 }, (_, at) => `re: ${at}`));
  expect(heard).toHaveLength(10);
  expect(counts).toEqual({ exchanges: 10, lost: 0, duplicated: 0, delayed: 0, reordered: 0, broken: 0 });
});

test('what is lost is not answered, and some of it was heard', async () => {
  const { answers, counts } = await sent({ loss: 0.5 }, 40, true);
  const answered = answers.filter((answer) => answer !== undefined).length;
  expect(answered).toBe(40 - counts.lost);
  expect(answered).toBeGreaterThan(2);
  expect(heard.length).toBeGreaterThan(answered);
  expect(heard.length).toBeLessThan(40);
});

test('a duplicate arrives twice and is answered once', async () => {
  const { answers, counts } = await sent({ duplicate: 1 }, 5);
  expect(answers).toEqual(['re: 0', 're: 1', 're: 2', 're: 3', 're: 4']);
  expect(counts.duplicated).toBe(5);
  await expect.poll(() => heard.length).toBe(10);
});

test('a connection breaks in the middle of the answer', async () => {
  const { answers, counts } = await sent({ breakage: 1 }, 3);
  expect(answers).toEqual([undefined, undefined, undefined]);
  expect(heard).toEqual(['0', '1', '2']);
  expect(counts.broken).toBe(3);
});

test('a held message is overtaken', async () => {
  const { answers, counts } = await sent({ reorder: 0.3 }, 30, true);
  expect(answers.filter((answer) => answer === undefined)).toEqual([]);
  expect(counts.reordered).toBeGreaterThan(2);
  expect(heard).not.toEqual(Array.from({ length: 30 }, (_, at) => `${at}`));
});

test('the same seed gives the same fates, another seed others', async () => {
  const mishaps = { loss: 0.3, delay: 0.2, duplicate: 0.2 };
  const one = await sent(mishaps, 20, false, 1);
  const again = await sent(mishaps, 20, false, 1);
  const other = await sent(mishaps, 20, false, 2);
  expect(again).toEqual(one);
  expect(other).not.toEqual(one);
});
