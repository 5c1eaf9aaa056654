/** Signed messages on a network that loses one in ten: what the sender recorded is sound. `npm run bench -- audit` does it with a thousand, and asks both engines. */
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { sourcesAt } from '../../src/audit/import/source.ts';
import { PayloadReader } from '../../src/audit/transcript/payload.ts';
import type { MessageRecord } from '../../src/audit/transcript/record.ts';
import { Recorder } from '../../src/audit/transcript/recorder.ts';
import { type Verification, verify } from '../../src/audit/verify/verify.ts';
import { trustChain } from '../../src/security/trust.ts';
import { idAttributes } from '../security/id-attributes.ts';
import { pki } from '../security/rig.ts';
import { converse, folder, linesOf, messagesOf } from './support.ts';

const file = join(folder(), 'loss.jsonl');

beforeAll(async () => {
  const recorder = await Recorder.open({ file });
  await converse({ messages: 200, recorders: { client: recorder }, network: { loseRequest: 0.1, loseReply: 0.1 } });
  await recorder.close();
});

async function verified(secondEngine: boolean, path = file): Promise<Verification> {
  const trust = trustChain({ anchors: (await pki()).root.certificate });
  return verify(await sourcesAt(path), { trust, secondEngine });
}

test('it is sound: every number, many of them twice, each acknowledged', async () => {
  const { verdict, findings, sequences, messages, signed } = await verified(false);
  expect(findings).toEqual([]);
  expect(verdict).toBe('sound');
  expect(sequences).toMatchObject([{ numbers: [[1, 200]], acknowledged: [[1, 200]], end: 'terminated' }]);
  expect(sequences[0]?.retransmissions).toBeGreaterThan(10);
  expect(signed).toBe(messages);
});

const present = (tool: string, ...args: readonly string[]) => spawnSync(tool, args).status === 0;
const python = present('python3', '--version');
const xmlsec1 = present('xmlsec1', '--version');
for (const [tool, is] of Object.entries({ python3: python, xmlsec1 })) {
  if (!is) console.info(`what ${tool} says of a transcript is skipped: it is not installed`);
}

test.skipIf(!python)('Python checks the chain as docs/TRANSCRIPT.md has it', () => {
  const program = `
import hashlib, sys
chain = '0' * 64
for line in open(sys.argv[1], encoding='utf-8', newline='\\n'):
    line = line.rstrip('\\n')
    body, claimed = line[:-76] + '}', line[-66:-2]
    chain = hashlib.sha256((chain + '\\n' + body).encode()).hexdigest()
    assert chain == claimed
print(chain)`;
  expect(execFileSync('python3', ['-c', program, file]).toString()).toMatch(/^[0-9a-f]{64}\n$/);
});

describe.skipIf(!xmlsec1)('xmlsec1, over envelopes out of the transcript', () => {
  const valid = (envelope: Uint8Array, certificate: string): boolean => {
    const at = folder();
    writeFileSync(join(at, 'message.xml'), envelope);
    writeFileSync(join(at, 'signer.pem'), certificate);
    const args = ['--verify', '--pubkey-cert-pem', join(at, 'signer.pem'), ...idAttributes(envelope)];
    return spawnSync('xmlsec1', [...args, join(at, 'message.xml')]).status === 0;
  };
  let some: readonly MessageRecord[];
  let pem: (one: MessageRecord) => string;

  beforeAll(async () => {
    const { client, service } = await pki();
    const all = messagesOf(await linesOf(file));
    some = all.filter((_, at) => at % Math.ceil(all.length / 8) === 0);
    pem = ({ direction }) => {
      const der = Buffer.from((direction === 'out' ? client : service).certificate.der).toString('base64');
      return `-----BEGIN CERTIFICATE-----\n${der.replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
    };
  });

  test('eight of them are valid, and none is when an octet of a body is another', () => {
    const reader = new PayloadReader();
    expect(some.length).toBeGreaterThan(6);
    for (const one of some) {
      const envelope = Buffer.from(reader.read(one.payload) ?? []);
      expect(valid(envelope, pem(one)), `record ${one.n}`).toBe(true);
      const changed = Buffer.from(envelope.toString().replace(/<wsu:Created>20/, '<wsu:Created>21'));
      expect(valid(changed, pem(one)), `record ${one.n}, changed`).toBe(false);
    }
  });
});
