/** What real peers put on the wire: every recorded request is taken by the listener, every recorded answer by the client. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { binding, listen } from '../../src/channel/binding.ts';
import { faultOf } from '../../src/soap/fault.ts';
import { httpHandler } from '../../src/transport/http/handler.ts';
import { channelTo, foreign, request } from './rig.ts';

const captures = resolve(import.meta.dirname, '../../../shared/captures');
const folders = existsSync(captures)
  ? readdirSync(captures).filter((name) => existsSync(resolve(captures, name, '001-request.http')))
  : [];

const missing = folders.length === 0;
if (missing) console.log('skipped: the recorded exchanges in ../shared/captures are not here');

/** The recorded octets of one side, in order. */
function recorded(folder: string, side: 'request' | 'response'): readonly Buffer[] {
  return readdirSync(resolve(captures, folder))
    .filter((name) => name.endsWith(`-${side}.http`))
    .sort()
    .map((name) => readFileSync(resolve(captures, folder, name)));
}

/** The status that a server answers these octets with. */
function statusOf(to: string, octets: Buffer): Promise<number> {
  return new Promise((answered, failed) => {
    const socket = connectTcp(Number(new URL(to).port), '127.0.0.1');
    socket.once('data', (answer) => {
      answered(Number(answer.toString('latin1').slice(9, 12)));
      socket.destroy();
    });
    socket.once('error', failed);
    socket.write(octets);
  });
}

describe.skipIf(missing)('recorded exchanges (../shared/captures)', () => {
  test.each(folders)('%s: every request is taken', async (folder) => {
    const soap = httpHandler();
    const to = await foreign(soap);
    await listen(binding([], soap.transport), new URL(to), async () => undefined);
    for (const octets of recorded(folder, 'request')) {
      expect(await statusOf(to, octets), octets.toString('latin1').slice(0, 300)).toBe(202);
    }
  });

  test.each(folders)(
    '%s: every answer is a message or nothing, and a fault where its status says so',
    async (folder) => {
      for (const octets of recorded(folder, 'response')) {
        const { status, contentType, body } = partsOf(octets);
        const to = await foreign((_, response) => {
          if (contentType !== undefined) response.setHeader('Content-Type', contentType);
          response.writeHead(status).end(body);
        });
        const reply = await channelTo(to).send(request());
        expect(reply === undefined).toBe(body.length === 0);
        if (reply !== undefined) expect(faultOf(reply.message) !== undefined).toBe(status === 500);
      }
    },
  );
});

/** A recorded answer; its chunks were joined when it was recorded. */
function partsOf(octets: Buffer): { status: number; contentType: string | undefined; body: Buffer } {
  const end = octets.indexOf('\r\n\r\n');
  const head = octets.subarray(0, end).toString('latin1');
  const contentType = /^content-type: *(.*)$/im.exec(head)?.[1]?.trim();
  return { status: Number(head.slice(9, 12)), contentType, body: octets.subarray(end + 4) };
}
