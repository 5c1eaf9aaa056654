/**
 * The harness of `npm run interop` itself: a peer that hangs is ended and its last words are told, none outlives the run, a peer
 * that is missing is skipped by name, and a row that was true may not turn false.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Clock, systemClock, VirtualClock } from '../src/base/clock.ts';
import { asked } from './interop/asked.ts';
import { start } from './interop/child.ts';
import { flaws } from './interop/flaws.ts';
import { type Row, settle } from './interop/matrix.ts';
import { relayTo } from './interop/relay.ts';

const root = resolve(import.meta.dirname, '..');
const node = (script: string, limit: number, clock: Clock = systemClock) =>
  start(process.execPath, ['-e', script], { name: 'the peer', limit, clock });
/** Also false for what has ended and was not reaped yet. */
const alive = (pid: number): boolean => {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout.trim() !== '' && !stdout.startsWith('Z');
};

describe('a peer that hangs', () => {
  const hanging =
    'console.error(\'I wait for nothing\'); console.log(\'{"event":"ready","pid":\' + process.pid + \'}\'); setInterval(() => {}, 1000)';

  test('is ended after its limit, and the error holds the tail of its log', async () => {
    const clock = new VirtualClock();
    const peer = node(hanging, 1_500, clock);
    const { pid } = await peer.event('ready');
    await clock.advance(1_500);
    await expect(peer.exit).rejects.toThrow(
      /the peer was killed after 1500 ms; its last lines:[\s\S]*I wait for nothing/,
    );
    expect(alive(Number(pid))).toBe(false);
  });

  test('is not waited for by whoever waits for a word of it', async () => {
    const clock = new VirtualClock();
    const peer = node(hanging, 1_500, clock);
    const word = peer.event('never');
    await peer.event('ready');
    await clock.advance(1_500);
    await expect(word).rejects.toThrow(/ended without 1 × the event "never"[\s\S]*I wait for nothing/);
  });

  test('that does not heed SIGTERM is killed', async () => {
    const peer = node(`process.on('SIGTERM', () => {}); ${hanging}`, 120_000);
    const { pid } = await peer.event('ready');
    await peer.stop();
    expect(alive(Number(pid))).toBe(false);
  });

  test('does not outlive a run that ends without stopping it', () => {
    const script = `
      import { start } from ${JSON.stringify(join(root, 'test/interop/child.ts'))};
      const peer = start(process.execPath, ['-e', ${JSON.stringify(`process.on('SIGTERM', () => {}); ${hanging}`)}],
        { name: 'the peer', limit: 60000 });
      console.log((await peer.event('ready')).pid);
      process.exit(3);`;
    const ran = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
      timeout: 120_000,
    });
    expect(ran.status, ran.stderr).toBe(3);
    expect(Number(ran.stdout)).toBeGreaterThan(1);
    expect(alive(Number(ran.stdout))).toBe(false);
  });
});

describe('a peer that is asked line by line', () => {
  /** Answers what it is asked with what it is told to say; "die" ends it, and it says nothing to "hang". */
  const script = `
    console.log(JSON.stringify({ event: 'ready', pid: process.pid }));
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const { id, say } = JSON.parse(line);
      if (say === 'die') { console.error('I die of question ' + id); process.exit(9); }
      if (say !== 'hang') console.log(JSON.stringify({ event: say, id, why: 'I was told so', pid: process.pid }));
    });`;
  const launch = () => start(process.execPath, ['-e', script], { name: 'the peer', limit: 120_000, asked: true });
  const first = async (of: Awaited<ReturnType<typeof asked>>, say: string, limit?: number) =>
    (await of.ask({ say })).answer('done', limit);

  test('answers, and says what it failed at', async () => {
    const peer = await asked(launch);
    expect(await first(peer, 'done')).toMatchObject({ event: 'done' });
    await expect(first(peer, 'failed')).rejects.toThrow('the peer: I was told so');
    await peer.stop();
  });

  test('that dies is missed at once with the tail of its log, and started again for the next question, twice', async () => {
    const peer = await asked(launch);
    for (const life of [1, 2]) {
      const [{ pid }, dying] = [await first(peer, 'done'), first(peer, 'die')];
      const waiting = (await peer.ask({ say: 'hang' }).catch(() => undefined))?.answer('done');
      await Promise.all(
        [dying, waiting ?? dying].map((one) => expect(one).rejects.toThrow(/the peer ended without[\s\S]*I die of/)),
      );
      expect(alive(Number(pid)), `life ${life}`).toBe(false);
    }
    await expect(first(peer, 'die')).rejects.toThrow('I die of');
    await expect(first(peer, 'done')).rejects.toThrow(/the peer ended 3 times[\s\S]*I die of/);
  });

  test('and hangs is ended after several answers that did not come', async () => {
    const peer = await asked(launch);
    const { pid } = await first(peer, 'done');
    for (let turn = 0; turn < 3; turn++) {
      expect(alive(Number(pid))).toBe(true);
      await expect(first(peer, 'hang', 50)).rejects.toThrow('the peer: no "done" in 50 ms');
    }
    expect(alive(Number(pid))).toBe(false);
    await peer.stop();
  });
});

test('ports are chosen free: two relays to one place listen at two', async () => {
  const relays = await Promise.all([1, 2].map(() => relayTo(new URL('http://127.0.0.1:9/'))));
  expect(new Set(relays.map(({ url }) => url.port)).size).toBe(2);
  for (const relay of relays) await relay.close();
});

describe('the matrix', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'surewire-matrix-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const row = (scenario: string, result: boolean): Row => ({
    ...{ peer: 'gsoap', version: '1.1', scenario, direction: 'gsoap -> surewire', result },
    ...(!result && { ...flaws['gsoap-server-together'], transcript: 'gsoap-server-together' }),
  });
  /** Settles what a run said against what is committed. */
  const settled = (committed: readonly Row[], said: readonly object[]) => {
    const [matrix, rows] = [join(folder, 'matrix.json'), join(folder, 'rows.jsonl')];
    writeFileSync(matrix, JSON.stringify(committed));
    writeFileSync(rows, said.map((one) => `${JSON.stringify(one)}\n`).join(''));
    const outcome = settle({ SUREWIRE_INTEROP_ROWS: rows }, matrix);
    return { ...outcome, after: JSON.parse(readFileSync(matrix, 'utf8')) as readonly Row[] };
  };

  test('a row that was true and is false now is broken, and the file stays as it was', () => {
    const { broken, after } = settled([row('one', true)], [row('one', false), row('two', true)]);
    expect(broken).toEqual([row('one', false)]);
    expect(after).toEqual([row('one', true)]);
  });

  test('what was false may become true, and what is new may be false', () => {
    const { broken, after } = settled([row('one', false)], [row('one', true), row('two', false)]);
    expect(broken).toEqual([]);
    expect(after).toEqual([row('one', true), row('two', false)]);
  });

  test.each(['reason', 'wrong', 'clause', 'transcript'])('a row that is false without %s is not written', (member) => {
    const bare = { ...row('two', false), [member]: undefined };
    const { unexplained, after } = settled([row('one', true)], [bare]);
    expect(unexplained).toHaveLength(1);
    expect(after).toEqual([row('one', true)]);
  });

  test('what is known of a peer that was skipped stays', () => {
    const { skipped, after } = settled([row('one', true)], [{ peer: 'gsoap', skipped: 'no gsoap' }]);
    expect(skipped).toEqual([{ peer: 'gsoap', skipped: 'no gsoap' }]);
    expect(after).toEqual([row('one', true)]);
  });
});

describe('a machine without .NET', () => {
  const run = promisify(execFile);
  /** `npm run interop -- --peer dotnet --json` where no program is found. */
  const interop = async (required: string): Promise<{ readonly code: number; readonly told: string }> => {
    const env = { ...process.env, PATH: dirname(process.execPath), SUREWIRE_REQUIRE_PEERS: required };
    const args = ['test/interop/run.ts', '--peer', 'dotnet', '--json'];
    try {
      const running = run(process.execPath, args, { cwd: root, env });
      onTestFinished(() => void running.child.kill('SIGKILL'));
      const { stdout } = await running;
      return { code: 0, told: stdout };
    } catch (thrown) {
      const { code, stdout } = thrown as { readonly code: number; readonly stdout: string };
      return { code, told: stdout };
    }
  };

  test('skips it by name, and fails where it is required', async () => {
    const [skipped, required] = await Promise.all([interop(''), interop('dotnet')]);
    expect(skipped.code).toBe(0);
    const reason = expect.stringMatching(/^no dotnet/);
    expect(JSON.parse(skipped.told)).toMatchObject({ rows: [], skipped: [{ peer: 'dotnet', skipped: reason }] });
    expect(required.code).toBe(1);
    expect(JSON.parse(required.told)).toMatchObject({ skipped: [{ peer: 'dotnet', skipped: reason }] });
  });
});
