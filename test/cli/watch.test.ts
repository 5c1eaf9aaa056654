/** What `--watch` draws: a pure function from events to text, on a screen that comes back whole, ten times a second at most. */
import { channel } from 'node:diagnostics_channel';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { VirtualClock } from '../../src/base/clock.ts';
import { developmentPki } from '../../src/certificates/development-pki.ts';
import { output } from '../../src/cli/output.ts';
import { picture } from '../../src/cli/watch/picture.ts';
import { Sequences } from '../../src/cli/watch/sequences.ts';
import { watch } from '../../src/cli/watch/watch.ts';
import type { ReliableEvent } from '../../src/reliable/events.ts';
import { Child, ran } from './running.ts';

const session = 'urn:uuid:5e9a01f2-0000-4000-8000-000000000000';
const offer = 'urn:uuid:b4c00000-0000-4000-8000-000000000000';
const out = { side: 'initiator', session, sequence: session } as const;
const into = { side: 'acceptor', session, sequence: session } as const;
const created = { event: 'sequence.created', session, version: '200702', peer: 'anonymous', offer } as const;

function drawn(events: readonly ReliableEvent[], canvas = { columns: 80, rows: 24, colour: false }): string {
  const sequences = new Sequences();
  for (const event of events) sequences.hear(event);
  return picture(sequences.all, canvas).join('\n');
}

const times = <T>(count: number, make: (number: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, at) => make(at + 1));

/** A session on its way, from both ends, with everything that is counted. */
const underWay: readonly ReliableEvent[] = [
  { event: 'sequence.creating', side: 'initiator', session: '', attempt: 1 },
  { ...created, side: 'acceptor' },
  { ...out, session: '', event: 'source.changed', from: 'creating', to: 'created' },
  { ...created, side: 'initiator' },
  { ...out, event: 'window.changed', size: 8, underWay: 8, waiting: 12, room: null },
  ...times(20, (number): ReliableEvent => ({ ...out, event: 'message.acknowledged', number })),
  ...times(3, (number): ReliableEvent => ({ ...out, event: 'message.resent', number, attempt: 2, cause: 'overdue' })),
  {
    event: 'exchange.failed',
    side: 'initiator',
    session,
    about: 'message',
    number: 1,
    code: 'X',
    reason: 'lost',
    isFinal: false,
  },
  ...times(22, (number): ReliableEvent => ({ ...into, event: 'message.accepted', number })),
  ...times(20, (number): ReliableEvent => ({ ...into, event: 'message.delivered', number })),
  { ...into, event: 'duplicate.dropped', number: 1 },
  { ...into, event: 'message.dropped', number: 40, reason: 'window' },
];

describe('the picture', () => {
  test('nothing before there is a sequence', () => expect(drawn([])).toBe(''));

  test('a session under way, seen from both ends', () => {
    expect(drawn(underWay)).toBe(
      [
        '  sequence  state      █done ▒open ░wait  done    open  wait resent  lost  dups',
        '← 5e9a01f2  created    ██████████████▒      20       2     -      -     1     1',
        '→ 5e9a01f2  created    ███████▒▒▒░░░░░      20     8/8    12      3     1     -',
      ].join('\n'),
    );
  });

  test('creating, again and again, without an identifier', () => {
    expect(drawn([{ event: 'sequence.creating', side: 'initiator', session: '', attempt: 3 }]).split('\n')[1]).toBe(
      '→           creating 3                       0       0     0      0     0     -',
    );
  });

  test('phases, a fault with its reason, and how it ended', () => {
    const events: readonly ReliableEvent[] = [
      ...underWay,
      { ...out, event: 'source.changed', from: 'created', to: 'closing' },
      {
        event: 'sequence.faulted',
        side: 'acceptor',
        session,
        by: 'here',
        fault: 'SequenceClosed',
        reason: 'It takes nothing new.',
      },
      {
        event: 'sequence.terminated',
        side: 'acceptor',
        session,
        reason: 'faulted',
        text: 'The session ended: faulted.',
      },
      { ...into, event: 'destination.changed', from: 'terminated', to: 'ended' },
    ];
    expect(drawn(events).split('\n').slice(1)).toEqual([
      '← 5e9a01f2  faulted    ██████████████▒      20       2     -      -     1     1',
      '           The session ended: faulted.',
      '→ 5e9a01f2  closing    ███████▒▒▒░░░░░      20     8/8    12      3     1     -',
    ]);
  });

  test('replies are a sequence of their own, which ends with its session', () => {
    const reply = { side: 'acceptor', session, sequence: offer } as const;
    const events: readonly ReliableEvent[] = [
      { ...created, side: 'acceptor' },
      { ...reply, event: 'message.acknowledged', number: 1 },
      { ...reply, event: 'message.resent', number: 2, attempt: 2, cause: 'asked' },
      { event: 'sequence.terminated', side: 'acceptor', session, reason: 'completed', text: '' },
    ];
    expect(drawn(events).split('\n').slice(1)).toEqual([
      '← 5e9a01f2  completed                        0       0     -      -     0     0',
      '→ b4c00000  completed  ███████████████       1       0     0      1     0     -',
    ]);
  });

  test('the end of a session is remembered for the last few only, and what lives is shown first', () => {
    const many: ReliableEvent[] = [];
    for (let n = 1; n <= 30; n += 1) {
      const one = { side: 'acceptor', session: `urn:uuid:${String(n).padStart(8, '0')}` } as const;
      many.push({ ...created, ...one });
      if (n <= 20) many.push({ event: 'sequence.terminated', ...one, reason: 'completed', text: '' });
    }
    const lines = drawn(many, { columns: 80, rows: 14, colour: false }).split('\n');
    expect(lines).toHaveLength(14);
    expect(lines.at(-1)).toBe('  and 6 more');
    expect(lines.filter((line) => line.includes('created'))).toHaveLength(10);
    expect(lines.filter((line) => line.includes('completed'))).toHaveLength(2);
  });

  test.each([20, 40, 79, 80, 120])('%s columns: no line is wider', (columns) => {
    const long: ReliableEvent = {
      event: 'sequence.faulted',
      side: 'acceptor',
      session,
      by: 'peer',
      fault: 'SequenceTerminated',
      reason: 'because '.repeat(40),
    };
    for (const line of drawn([...underWay, long], { columns, rows: 24, colour: false }).split('\n')) {
      expect(line.length, line).toBeLessThanOrEqual(columns);
    }
  });

  test('what a peer wrote moves no cursor and rings no bell', () => {
    const events: readonly ReliableEvent[] = [
      { ...created, side: 'acceptor', session: '\x1b[2Jevil\x07' },
      {
        event: 'sequence.faulted',
        side: 'acceptor',
        session: '\x1b[2Jevil\x07',
        by: 'peer',
        fault: 'UnknownSequence',
        reason: 'a\nb\x1b[1A',
      },
    ];
    expect(drawn(events).replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  });
});

const ESC = '\u001b';
const colours = new RegExp(`${ESC}\\[\\d+m`, 'g');
const tokens = new RegExp(`${ESC}\\[[?\\d]*[A-Za-z]|[\\s\\S]`, 'g');
const upwards = new RegExp(`^${ESC}\\[(\\d+)A$`);

/** Follows the few commands that are used, as a terminal would. */
function screenOf(written: string): readonly string[] {
  const lines: string[] = [''];
  let [row, column] = [0, 0];
  for (const [token] of written.matchAll(tokens)) {
    const up = upwards.exec(token);
    if (up !== null) row = Math.max(0, row - Number(up[1]));
    else if (token === '\x1b[J') {
      lines.splice(row + 1);
      lines[row] = (lines[row] ?? '').slice(0, column);
    } else if (token === '\x1b[K') lines[row] = (lines[row] ?? '').slice(0, column);
    else if (token === '\r') column = 0;
    else if (token === '\n') {
      row += 1;
      column = 0;
      lines[row] ??= '';
    } else if (!token.startsWith('\x1b')) {
      lines[row] = (lines[row] ?? '').slice(0, column) + token + (lines[row] ?? '').slice(column + 1);
      column += 1;
    }
  }
  return lines;
}

describe('on a terminal', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  const terminal = () => {
    const written: string[] = [];
    const stream = { isTTY: true, columns: 80, rows: 24, write: (text: string) => written.push(text) };
    return { written, said: output(false, { out: stream, err: stream }) };
  };

  const publish = (event: ReliableEvent): void => channel('surewire:reliable').publish(event);

  test('ten pictures a second at most, whatever happens, and the last one when it ends', async () => {
    const clock = new VirtualClock();
    const { written, said } = terminal();
    const stop = watch(said.live(), clock);
    for (let at = 0; at < 1_000; at += 1) {
      publish({ ...out, event: 'message.acknowledged', number: at + 1 });
      await clock.advance(1);
    }
    expect(written.length).toBeGreaterThanOrEqual(9);
    expect(written.length).toBeLessThanOrEqual(10);
    publish({ ...out, event: 'message.acknowledged', number: 1_001 });
    stop();
    stop();
    publish({ ...out, event: 'message.acknowledged', number: 1_002 });
    await clock.advance(10_000);
    expect(clock.next).toBeUndefined();
    const shown = screenOf(written.join(''));
    expect(shown.filter((line) => line.includes('5e9a01f2'))).toEqual([expect.stringMatching(/ 1001 /)]);
    // The cursor is there again.
    expect(written.join('').lastIndexOf('\x1b[?25h')).toBeGreaterThan(written.join('').lastIndexOf('\x1b[?25l'));
  });

  test('what else is said stands above, and nothing is lost or doubled', async () => {
    const clock = new VirtualClock();
    const { written, said } = terminal();
    vi.stubEnv('NO_COLOR', '1');
    said.line('listening');
    const stop = watch(said.live(), clock);
    publish({ ...created, side: 'acceptor' });
    await clock.advance(100);
    said.warn('session 5e9 begins');
    said.line('a document');
    publish({ ...into, event: 'message.accepted', number: 1 });
    await clock.advance(100);
    stop();
    said.line('the end');
    expect(screenOf(written.join('')).map((line) => line.slice(0, 20).trim())).toEqual([
      'listening',
      'session 5e9 begins',
      'a document',
      'sequence  state',
      '← 5e9a01f2  created',
      'the end',
      '',
    ]);
  });

  test.each([
    ['1', false],
    ['', true],
  ])('NO_COLOR="%s": colours %s', async (value, expected) => {
    vi.stubEnv('NO_COLOR', value);
    const clock = new VirtualClock();
    const { written, said } = terminal();
    const stop = watch(said.live(), clock);
    for (const event of underWay) publish(event);
    stop();
    expect(written.join('').search(colours) >= 0).toBe(expected);
  });

  test('colours change no width', () => {
    const sequences = new Sequences();
    for (const event of underWay) sequences.hear(event);
    const canvas = { columns: 80, rows: 24 };
    const bare = picture(sequences.all, { ...canvas, colour: true }).map((line) => line.replaceAll(colours, ''));
    expect(bare).toEqual(picture(sequences.all, { ...canvas, colour: false }));
  });
});

describe('where standard error is no terminal', () => {
  test('demo --watch prints lines, one heading, and how both ends ended', async () => {
    const { exitCode, err } = await ran([
      'demo',
      '--messages',
      '8',
      '--loss',
      '0.2',
      '--seed',
      '3',
      '--watch',
      '--no-report',
    ]);
    expect(exitCode).toBe(0);
    expect(err).not.toContain('\x1b');
    const lines = err.split('\n');
    expect(lines.filter((line) => line.includes('sequence  state'))).toHaveLength(1);
    expect(lines.filter((line) => /^[←→] [0-9a-f]{8} {2}completed .* 8 /.test(line))).toHaveLength(2);
  });

  test('serve --watch and send --watch draw the sequence at either end, side by side with what else is said', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'surewire-watch-'));
    await developmentPki({ folder: join(folder, 'certs-dev/generated'), algorithms: ['ec'] });
    await writeFile(join(folder, 'order.xml'), '<order xmlns="urn:example:orders">1</order>');
    const box = new Child(['serve', '--port', '0', '--to', 'inbox', '--watch'], folder);
    try {
      await box.until(() => box.out.some((line) => line.startsWith('listening at ')));
      const url = (box.out.find((line) => line.startsWith('listening at ')) ?? '').slice('listening at '.length);
      const sender = new Child(['send', url, 'order.xml', 'order.xml', '--watch'], folder);
      expect(await sender.exited, sender.err.join('\n')).toBe(0);
      box.kill('SIGINT');
      expect(await box.exited, box.err.join('\n')).toBe(0);
      const drawn = (lines: readonly string[]) => lines.filter((line) => /^[←→] [0-9a-f]{8} {2}/.test(line));
      expect(drawn(box.err).at(-1)).toMatch(/^← [0-9a-f]{8} {2}completed .* 2 /);
      expect(drawn(sender.err).at(-1)).toMatch(/^→ [0-9a-f]{8} {2}completed .* 2 /);
      const ends = [box, sender].map(({ err }) => drawn(err).at(-1)?.slice(2, 10));
      expect(new Set(ends).size, 'one sequence').toBe(1);
      for (const { err } of [box, sender]) {
        expect(err.filter((line) => line.includes('sequence  state'))).toHaveLength(1);
      }
      expect(box.out.filter((line) => line.includes(' octets, '))).toHaveLength(2);
    } finally {
      box.kill('SIGKILL');
      await box.exited;
      await rm(folder, { recursive: true });
    }
  });

  test('with --json nothing but the outcome', async () => {
    const {
      exitCode,
      out: printed,
      err,
    } = await ran(['demo', '--messages', '5', '--loss', '0', '--watch', '--json', '--no-report']);
    expect(exitCode).toBe(0);
    expect(err).toBe('');
    expect(JSON.parse(printed)).toMatchObject({ delivered: 5 });
  });
});
