/** What the explorer's world is made of, in few octets: states and messages under way have numbers, sets of messages are bits. */
import type { DestinationState } from '../../src/reliable/destination-state.ts';
import type { ReliableFaultName } from '../../src/reliable/faults.ts';
import type { Ranges } from '../../src/reliable/ranges.ts';
import type { SourceState } from '../../src/reliable/source-state.ts';
import type { ReliableVersion } from '../../src/reliable/versions/version.ts';

export interface Configuration {
  readonly version: ReliableVersion;
  readonly ordered: boolean;
  readonly messages: number;
  /** How many messages or answers may be lost. */
  readonly losses: number;
  /** How many may be doubled. */
  readonly duplicates: number;
  /** How often a timer may run out although nothing was lost. */
  readonly early: number;
  /** How often either end may die. */
  readonly crashes: number;
  /** The window of the destination; the source's is as large as the number of messages. */
  readonly room: number;
  /** `slow`: the source's window starts at one message, as it does; `open`: as if it had grown before. */
  readonly start: 'slow' | 'open';
}

/** What an exchange is about. */
export type About =
  | { readonly kind: 'create' | 'close' | 'terminate' | 'poll' }
  | { readonly kind: 'message'; readonly number: number; readonly last: boolean };

/** An acknowledgement. */
export interface Said {
  readonly ranges: Ranges;
  readonly final: boolean;
  readonly room: number | undefined;
}

export type Answer =
  | { readonly is: 'created' | 'empty' | 'broken' }
  | { readonly is: 'acknowledgement'; readonly said: Said }
  | { readonly is: 'fault'; readonly fault: ReliableFaultName; readonly said: Said | undefined };

/** Something under way. */
export interface Item {
  readonly about: About;
  /** Absent on the way there. */
  readonly answer?: Answer;
  /** The last message's number, on close and terminate of 200702. */
  readonly last?: number;
}

/** Everything there is. */
export interface World {
  readonly source: number;
  /** What the source's store has. */
  readonly sourceKept: number;
  readonly destination: number;
  readonly destinationKept: number;
  /** Accepted and durable; never forgotten here, whatever the destination does. */
  readonly accepted: number;
  /** Handed to the application in this life of the process, and not finished. */
  readonly handed: number;
  readonly finished: number;
  readonly losses: number;
  readonly duplicates: number;
  readonly early: number;
  readonly crashes: number;
  /** Items under way, ascending. */
  readonly net: readonly number[];
}

/** How many fields a world has before its net. */
const fields = 11;

export function written(world: World): string {
  return String.fromCharCode(
    world.source,
    world.sourceKept,
    world.destination,
    world.destinationKept,
    world.accepted,
    world.handed,
    world.finished,
    world.losses,
    world.duplicates,
    world.early,
    world.crashes,
    ...world.net,
  );
}

export function read(text: string): World {
  const at = (field: number) => text.charCodeAt(field);
  const net: number[] = [];
  for (let field = fields; field < text.length; field += 1) net.push(at(field));
  return {
    source: at(0),
    sourceKept: at(1),
    destination: at(2),
    destinationKept: at(3),
    accepted: at(4),
    handed: at(5),
    finished: at(6),
    losses: at(7),
    duplicates: at(8),
    early: at(9),
    crashes: at(10),
    net,
  };
}

/** Equal values get the same number. */
export class Interned<T> {
  readonly #values: T[] = [];
  readonly #ids = new Map<string, number>();

  of(value: T): number {
    const key = JSON.stringify(value);
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const made = this.#values.push(value) - 1;
    if (made > 0xffff) throw new Error('There are too many different values for 16 bits.');
    this.#ids.set(key, made);
    return made;
  }

  at(index: number): T {
    const value = this.#values[index];
    if (value === undefined) throw new Error(`nothing has the number ${index}`);
    return value;
  }
}

/** Many numbers in little room. */
export class Numbers {
  length = 0;
  #values = new Uint32Array(1 << 16);

  push(value: number): void {
    if (this.length === this.#values.length) {
      const more = new Uint32Array(this.length * 2);
      more.set(this.#values);
      this.#values = more;
    }
    this.#values[this.length] = value;
    this.length += 1;
  }

  at(index: number): number {
    return this.#values[index] ?? 0;
  }
}

/** A law that does not hold; the message is the law. */
export class Broken extends Error {}

export function bit(number: number): number {
  return 1 << (number - 1);
}

export function maskOf(ranges: Ranges): number {
  let mask = 0;
  for (const { lower, upper } of ranges) for (let number = lower; number <= upper; number += 1) mask |= bit(number);
  return mask;
}

export function acknowledgedBy(state: SourceState): number {
  if (state.phase === 'none' || state.phase === 'creating') return 0;
  return maskOf(state.phase === 'ended' ? state.acknowledged : state.ledger.acknowledged);
}

/** Null: there is no session, or it was forgotten. */
export type Session = DestinationState | null;

/** An ascending list with one more. */
export function inserted(net: readonly number[], item: number): readonly number[] {
  const at = net.findIndex((other) => other > item);
  return at < 0 ? [...net, item] : [...net.slice(0, at), item, ...net.slice(at)];
}

/** True when so much room may keep the source from sending. */
export function isLimit(room: number | undefined, messages: number): boolean {
  return room !== undefined && room < messages;
}

export function labelOf({ about, answer }: Item): string {
  const what = about.kind === 'message' ? `${about.last ? 'LastMessage' : 'message'} ${about.number}` : about.kind;
  if (answer === undefined) return what;
  const said = 'said' in answer ? answer.said : undefined;
  const ranges = said?.ranges.map(({ lower, upper }) => ` ${lower}-${upper}`).join('') ?? '';
  const name = answer.is === 'fault' ? answer.fault : answer.is;
  return `the answer to ${what} (${name}${ranges}${said?.final === true ? ' final' : ''})`;
}
