/**
 * How many recorded messages are verified in a second: read, chained, scanned, signatures and certificates checked, put into their
 * sequence; by our engine alone, and with xml-crypto asked about every signature. The same transcript for both: signed orders over a
 * network that loses one message in ten, as the client saw it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sourcesAt } from '../src/audit/import/source.ts';
import { Recorder } from '../src/audit/transcript/recorder.ts';
import { type Verification, verify } from '../src/audit/verify/verify.ts';
import { trustChain } from '../src/security/trust.ts';
import { converse } from '../test/audit/support.ts';
import { pki } from '../test/security/rig.ts';
import { line, type Row } from './harness.ts';

const MESSAGES = 1_000;
const ROUNDS = 5;

export async function rows(report: (line: string) => void): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'surewire-bench-'));
  // The timers of a session let a process end.
  const awake = setInterval(() => undefined, 1_000);
  try {
    const file = join(folder, 'session.jsonl');
    const recorder = await Recorder.open({ file });
    await converse({
      messages: MESSAGES,
      recorders: { client: recorder },
      network: { loseRequest: 0.1, loseReply: 0.1 },
    });
    await recorder.close();
    const { root } = await pki();
    const verified = async (
      secondEngine: boolean,
    ): Promise<{ readonly found: Verification; readonly rate: number }> => {
      const sources = await sourcesAt(file);
      const trust = trustChain({ anchors: root.certificate });
      const before = process.cpuUsage();
      const found = await verify(sources, { trust, secondEngine });
      const { user, system } = process.cpuUsage(before);
      if (found.verdict !== 'sound')
        throw new Error(`the transcript is ${found.verdict}: ${JSON.stringify(found.counts)}`);
      return { found, rate: (found.messages / (user + system)) * 1_000_000 };
    };
    await verified(false);
    const rates: number[] = [];
    for (let round = 0; round < ROUNDS; round++) rates.push((await verified(false)).rate);
    const own = rates.sort((one, other) => one - other)[ROUNDS >> 1] ?? 0;
    const both = await verified(true);
    if (both.found.secondOpinions.agreed !== both.found.signed) throw new Error('the engines do not agree');
    report(`${both.found.signed} signatures, and both engines agree on every one`);
    const row: Row = {
      work: 'verify a transcript',
      size: `${both.found.messages} msg`,
      surewire: Math.round(own),
      unit: '/s of one processor',
      peers: { 'with xml-crypto': Math.round(both.rate) },
      ratios: { 'with xml-crypto': Math.round((own / both.rate) * 10) / 10 },
    };
    report(line(row));
    return [row];
  } finally {
    clearInterval(awake);
    rmSync(folder, { recursive: true });
  }
}
