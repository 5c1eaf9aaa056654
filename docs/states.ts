/**
 * Makes docs/STATES.md by running the reducers of the reliable room on a representative of each state: `node docs/states.ts`
 * writes it, `test/simulation/states.test.ts` holds it to the code. Nothing in the tables is written by hand.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { instant } from '../src/base/clock.ts';
import { destination } from '../src/reliable/destination.ts';
import {
  type DestinationEffect,
  type DestinationEvent,
  type DestinationState,
  destinationDue,
  newDestination,
} from '../src/reliable/destination-state.ts';
import { assuranceOf, settingsOf, transmissionOf } from '../src/reliable/settings.ts';
import { source } from '../src/reliable/source.ts';
import {
  noSource,
  type SourceEffect,
  type SourceEvent,
  type SourceState,
  sourceDue,
} from '../src/reliable/source-state.ts';
import { reliableVersions } from '../src/reliable/versions/table.ts';
import type { ReliableVersion } from '../src/reliable/versions/version.ts';

const begin = instant(1_000_000);
const soon = instant(1_000_100);

/** An event without its time. */
type Bare<Event> = Event extends unknown ? Omit<Event, 'now' | 'jitter'> : never;
type Asked<Event> = readonly [heading: string, event: Bare<Event>];
type Reached<Event> = readonly [name: string, way: readonly Bare<Event>[]];
interface Table<Event> {
  readonly title: string;
  readonly events: readonly Asked<Event>[];
}

const submit = { kind: 'submit', expects: 'acknowledgement' } as const;
const acknowledgement = (upper: number, final = false, nacks: readonly number[] = []) =>
  ({
    kind: 'acknowledgement',
    ranges: upper === 0 ? [] : [{ lower: 1, upper }],
    nacks,
    final,
    bufferRemaining: undefined,
  }) as const;
const opened = [{ kind: 'open' }, { kind: 'created', id: 'urn:s' }] as const;
const waiting = [...opened, submit, submit] as const;
const settled = [...opened, submit, acknowledgement(1), { kind: 'close' }] as const;
const closed = [...settled, { kind: 'close-answered' }] as const;

const sourceStates: readonly Reached<SourceEvent>[] = [
  ['none', []],
  ['creating', [{ kind: 'open' }, submit]],
  ['created, idle', opened],
  ['created, 1 under way, 2 waits', waiting],
  ['rollover, 1 under way, 2 waits', [...waiting, { kind: 'rollover' }]],
  ['draining, 1 under way, 2 waits', [...waiting, { kind: 'close' }]],
  ['closing, 1 settled', settled],
  ['terminating', closed],
  ['ended', [...closed, { kind: 'terminate-answered' }]],
];

const reason = {
  code: 'RELIABLE_ABORTED',
  text: 'by the application',
} as const;

const sourceTables: readonly Table<SourceEvent>[] = [
  {
    title: 'What the application and the clock do',
    events: [
      ['open', { kind: 'open' }],
      ['submit', submit],
      ['close', { kind: 'close' }],
      ['abort', { kind: 'abort', reason, tell: true }],
      ['numbers used up', { kind: 'rollover' }],
      ['timer', { kind: 'elapsed' }],
      ['resumed from the store', { kind: 'resumed' }],
    ],
  },
  {
    title: 'What the peer says of messages',
    events: [
      ['acknowledges 1', acknowledgement(1)],
      ['acknowledges nothing', acknowledgement(0)],
      ['Nack 1', acknowledgement(0, false, [1])],
      ['acknowledges 9, never sent', acknowledgement(9)],
      ['acknowledges 1, Final', acknowledgement(1, true)],
      ['replies to 1', { kind: 'replied', number: 1 }],
      ['answers 1 with nothing', { kind: 'refused', number: 1, empty: true }],
      ['the way of 1 is broken', { kind: 'refused', number: 1, empty: false }],
    ],
  },
  {
    title: 'What the peer says of the sequence',
    events: [
      ['CreateSequenceResponse', { kind: 'created', id: 'urn:s' }],
      ['a refusal that nobody proved', { kind: 'declined', reason, again: true }],
      ['another sign of life', { kind: 'heard' }],
      ['refuses the password, unproven', { kind: 'denied', proven: false }],
      ['answers AckRequested with nothing', { kind: 'poll-emptied' }],
      ['answers CloseSequence or LastMessage', { kind: 'close-answered' }],
      ['answers TerminateSequence', { kind: 'terminate-answered' }],
      ['SequenceClosed', { kind: 'closed-by-peer' }],
    ],
  },
];

const message = (number: number, last = false) => ({ kind: 'message', number, bytes: 1, last }) as const;

const destinationStates: readonly Reached<DestinationEvent>[] = [
  ['created, nothing yet', []],
  ['created, 1 at work', [message(1)]],
  ['created, 1 finished', [message(1), { kind: 'delivered', number: 1 }]],
  ['created, 1 missing, 2 here', [message(2)]],
  ['closed, 1 at work', [message(1), { kind: 'close', last: 1 }]],
  ['terminated, 1 at work', [message(1), { kind: 'terminate', last: 1 }]],
  ['ended', [message(1), { kind: 'delivered', number: 1 }, { kind: 'terminate', last: 1 }]],
];

const destinationTables: readonly Table<DestinationEvent>[] = [
  {
    title: 'Messages',
    events: [
      ['message 1', message(1)],
      ['message 2', message(2)],
      ['message 2, LastMessage', message(2, true)],
      ['message 99, beyond the window', message(99)],
      ['application finishes 1', { kind: 'delivered', number: 1 }],
    ],
  },
  {
    title: 'The sequence',
    events: [
      ['AckRequested', { kind: 'heard' }],
      ['CloseSequence, last 2', { kind: 'close', last: 2 }],
      ['TerminateSequence, last 2', { kind: 'terminate', last: 2 }],
      ['TerminateSequence', { kind: 'terminate', last: undefined }],
      ['fault', { kind: 'fault' }],
      ['timer', { kind: 'elapsed' }],
      ['resumed from the store', { kind: 'resumed' }],
    ],
  },
];

type Ways<Event> = (way: readonly Bare<Event>[], event: Bare<Event>) => string;

/** A cell: the next phase where it is another, and what is wanted done. */
function cell(
  before: { readonly phase: string },
  after: { readonly phase: string },
  effects: readonly string[],
): string {
  const phase = before.phase === after.phase ? [] : [`→ **${after.phase}**`];
  const wanted = effects.length === 0 ? [] : [effects.join(', ')];
  if (phase.length + wanted.length > 0) return [...phase, ...wanted].join(': ');
  return JSON.stringify(before) === JSON.stringify(after) ? '–' : 'noted';
}

function sourceCell(version: ReliableVersion): Ways<SourceEvent> {
  const policy = transmissionOf(settingsOf({ version }), version, 'timer');
  return (way, event) => {
    const before = way.reduce(
      (state: SourceState, one) => source(state, { ...one, now: begin, jitter: 0 } as SourceEvent, policy)[0],
      noSource,
    );
    const now = event.kind === 'elapsed' ? (sourceDue(before, policy) ?? soon) : soon;
    const [after, effects] = source(before, { ...event, now, jitter: 0 } as SourceEvent, policy);
    return cell(before, after, effects.map(sourceEffect));
  };
}

function destinationCell(ordered: boolean): Ways<DestinationEvent> {
  const assurance = assuranceOf(settingsOf({ ordered }));
  return (way, event) => {
    const before = way.reduce(
      (state, one) => destination(state, { ...one, now: begin } as DestinationEvent, assurance)[0],
      newDestination('urn:s', begin, undefined),
    );
    const now = event.kind === 'elapsed' ? (destinationDue(before, assurance) ?? soon) : soon;
    const [after, effects] = destination(before, { ...event, now } as DestinationEvent, assurance);
    return cell(before, after as DestinationState, effects.map(destinationEffect));
  };
}

function sourceEffect(effect: SourceEffect): string {
  switch (effect.effect) {
    case 'transmit':
      return effect.last ? `LastMessage ${effect.number}` : `transmit ${effect.number}`;
    case 'numbered':
      return `number ${effect.number}`;
    case 'settled':
      return `${effect.number} ${effect.outcome}`;
    case 'create':
      return 'CreateSequence';
    case 'poll':
      return 'AckRequested';
    case 'close':
      return `CloseSequence (${effect.last})`;
    case 'terminate':
      return `TerminateSequence (${effect.last})`;
    case 'rejected':
      return `rejected (${effect.code})`;
    case 'fault':
      return `fault ${effect.fault}`;
    case 'ended':
    case 'suspended':
      return `${effect.effect} (${effect.reason.code})`;
    case 'opened':
      return effect.effect;
    default:
      return effect satisfies never;
  }
}

function destinationEffect(effect: DestinationEffect): string {
  switch (effect.effect) {
    case 'accept':
    case 'deliver':
    case 'duplicate':
      return `${effect.effect} ${effect.number}`;
    case 'drop':
      return `drop ${effect.number} (${effect.why})`;
    case 'fault':
      return `fault ${effect.fault}`;
    case 'discard':
      return `discard ${effect.numbers.join(', ')}`;
    case 'ended':
      return `ended (${effect.reason})`;
    case 'closed':
    case 'terminated':
      return `answer that it is ${effect.effect}`;
    default:
      return effect satisfies never;
  }
}

/** Rows of states, columns of events; where the two ways differ, a cell says both. */
function table<Event>(
  { title, events }: Table<Event>,
  states: readonly Reached<Event>[],
  ways: readonly (readonly [name: string, cell: Ways<Event>])[],
): string {
  const rows = states.map(([name, way]) => {
    const cells = events.map(([, event]) => {
      const found = ways.map(([what, make]) => ({
        what,
        text: make(way, event),
      }));
      const isOne = found.every(({ text }) => text === found[0]?.text);
      return isOne ? (found[0]?.text ?? '') : found.map(({ what, text }) => `*${what}:* ${text}`).join('<br>');
    });
    return `| ${name} | ${cells.join(' | ')} |`;
  });
  const heads = events.map(([heading]) => heading);
  return `### ${title}

| state | ${heads.join(' | ')} |
|${'---|'.repeat(heads.length + 1)}
${rows.join('\n')}
`;
}

/** The page. */
export function statesPage(): string {
  const sources = reliableVersions.map((version) => [version.name, sourceCell(version)] as const);
  const destinations = [true, false].map(
    (ordered) => [ordered ? 'ordered' : 'unordered', destinationCell(ordered)] as const,
  );
  return `# States

The tables of the two reducers, after appendix D of WS-ReliableMessaging 1.1. Each cell was found by running the reducer on a
representative of the state: the next phase, where it is another, and the effects in their order. \`–\`: nothing changes; *noted*: only
what is known changes. Settings are the defaults (window 8, which starts at 1). This page is made from the code by
\`node docs/states.ts\`.

## RM Source (\`src/reliable/source.ts\`, \`source-end.ts\`)

${sourceTables.map((one) => table(one, sourceStates, sources)).join('\n')}
## RM Destination (\`src/reliable/destination.ts\`, \`destination-end.ts\`)

It is the same in both versions: they differ in what its driver writes and reads. In the ended state its driver answers for a
sequence for a while, and then forgets it.

${destinationTables.map((one) => table(one, destinationStates, destinations)).join('\n')}`;
}

if (import.meta.main) writeFileSync(join(import.meta.dirname, 'STATES.md'), statesPage());
