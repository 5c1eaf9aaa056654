/**
 * wsu:Timestamp (WSS 1.1 section 10, BSP 1.1 section 15.1 of the digest: R3203 to R3229): how long a message may be taken
 * for new.
 */
import { type Instant, instant, later } from '../base/clock.ts';
import type { XmlElement } from '../xml/document.ts';
import { SecurityError } from './errors.ts';
import { wsu } from './names.ts';
import { plainText } from './values.ts';

/** How fresh a message has to be. */
export interface Freshness {
  /** Longest time from Created to Expires, and longest age where there is no Expires, in milliseconds. */
  readonly lifetime: number;
  /** How far the clocks of the two ends may differ, in milliseconds. */
  readonly skew: number;
}

/** Five minutes each, as in WCF and WSS4J. */
export const defaultFreshness: Freshness = Object.freeze({ lifetime: 300_000, skew: 300_000 });

export interface Lifetime {
  readonly created: Instant;
  readonly expires: Instant | undefined;
}

/**
 * Reads a timestamp and checks it against the time.
 *
 * @throws SecurityError `SECURITY_TIMESTAMP_INVALID`, `SECURITY_TIMESTAMP_EXPIRED`, `SECURITY_TIMESTAMP_FUTURE`,
 *   `SECURITY_TIMESTAMP_LIFETIME`
 */
export function readTimestamp(element: XmlElement, now: Instant, freshness: Freshness): Lifetime {
  const [created, expires, ...rest] = element.children;
  if (!created?.is(wsu, 'Created') || rest.length > 0 || expires?.is(wsu, 'Expires') === false) {
    throw new SecurityError('SECURITY_TIMESTAMP_INVALID', 'The Timestamp does not hold Created and Expires.');
  }
  const lifetime = { created: readTime(created), expires: expires === undefined ? undefined : readTime(expires) };
  requireFresh(lifetime, now, freshness);
  return lifetime;
}

/** @throws SecurityError `SECURITY_TIMESTAMP_EXPIRED`, `SECURITY_TIMESTAMP_FUTURE`, `SECURITY_TIMESTAMP_LIFETIME` */
export function requireFresh({ created, expires }: Lifetime, now: Instant, { lifetime, skew }: Freshness): void {
  if (expires !== undefined && expires <= created) {
    throw new SecurityError('SECURITY_TIMESTAMP_INVALID', 'The Timestamp expires before it was created.');
  }
  if (expires !== undefined && expires - created > lifetime) {
    throw new SecurityError(
      'SECURITY_TIMESTAMP_LIFETIME',
      `The message claims to be good for ${expires - created} ms; ${lifetime} ms are allowed.`,
    );
  }
  if (created > later(now, skew)) {
    throw new SecurityError('SECURITY_TIMESTAMP_FUTURE', `The message was made ${created - now} ms in the future.`);
  }
  const end = staleAt({ created, expires }, { lifetime, skew });
  if (now >= end) {
    throw new SecurityError('SECURITY_TIMESTAMP_EXPIRED', `The message is stale since ${now - end} ms.`);
  }
}

/** When a message with this lifetime is refused as stale: until then a copy has to be remembered. */
export function staleAt(of: Lifetime, { lifetime, skew }: Freshness): Instant {
  return later(of.expires ?? later(of.created, lifetime), skew);
}

/** `xs:dateTime` in UTC; one fixed form, so that no input makes it slow (attack D14). */
const form = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;

/** @throws SecurityError `SECURITY_TIMESTAMP_INVALID` */
export function readTime(element: XmlElement): Instant {
  const found = element.attribute('ValueType') === undefined ? timeOf(plainText(element)) : undefined;
  if (found !== undefined) return found;
  throw new SecurityError('SECURITY_TIMESTAMP_INVALID', `${element.local} is not an xs:dateTime in UTC.`);
}

/** The instant of an xs:dateTime in UTC; `undefined` for everything else. */
export function timeOf(text: string): Instant | undefined {
  if (text.length > 30 || !form.test(text)) return undefined;
  const two = (at: number) => text.charCodeAt(at) * 10 + text.charCodeAt(at + 1) - 11 * 0x30;
  const year = two(0) * 100 + two(2);
  const month = two(5);
  const day = two(8);
  const hour = two(11);
  const minute = two(14);
  const second = two(17);
  const date = dateOf(year, month, day);
  // A leap second is none (R3213).
  if (date === undefined || hour >= 24 || minute >= 60 || second >= 60) return undefined;
  return instant(date + ((hour * 60 + minute) * 60 + second) * 1000 + millisecondsOf(text));
}

/** Milliseconds of a day since 1970; `undefined` for one that does not exist. */
function dateOf(year: number, month: number, day: number): number | undefined {
  const name = (year * 100 + month) * 100 + day;
  if (name === lastName) return lastDate;
  const date = Date.UTC(year, month - 1, day);
  // A day that does not exist rolls over to another.
  const exists = year >= 1000 && month >= 1 && month <= 12 && day >= 1 && new Date(date).getUTCDate() === day;
  if (!exists) return undefined;
  lastName = name;
  lastDate = date;
  return date;
}

/** The day that was read last: nearly all that is read is of one day. */
let lastName = 0;
let lastDate = 0;

/** Whole milliseconds of the fraction of a second. */
function millisecondsOf(text: string): number {
  let milliseconds = 0;
  for (let at = 20, weight = 100; at < text.length - 1 && weight >= 1; at++, weight /= 10) {
    milliseconds += (text.charCodeAt(at) - 0x30) * weight;
  }
  return milliseconds;
}

/** The form that is written: milliseconds, as WCF does. */
export function writeTime(when: Instant): string {
  const whole = Math.trunc(when);
  const milliseconds = ((whole % 1000) + 1000) % 1000;
  const second = whole - milliseconds;
  let text = seconds.get(second);
  if (text === undefined) {
    text = new Date(second).toISOString().slice(0, -4);
    if (seconds.size >= secondsKept) seconds.clear();
    seconds.set(second, text);
  }
  return `${text}${String(milliseconds).padStart(3, '0')}Z`;
}

/** Seconds that were written lately: Created and Expires of many messages are of the same two. */
const seconds = new Map<number, string>();
const secondsKept = 8;

/**
 * @param id its wsu:Id, unique to the message: two messages made in one millisecond then still differ
 * @returns canonical markup, the same standing alone and in a Security header
 */
export function writeTimestamp(id: string, created: Instant, lifetime: number): string {
  return (
    `<wsu:Timestamp xmlns:wsu="${wsu}" wsu:Id="${id}"><wsu:Created>${writeTime(created)}</wsu:Created>` +
    `<wsu:Expires>${writeTime(later(created, lifetime))}</wsu:Expires></wsu:Timestamp>`
  );
}
