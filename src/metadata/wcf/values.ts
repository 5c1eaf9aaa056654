/** Values of attributes as .NET writes them in configurations, each error with the line. */
import type { XmlElement } from '../../xml/document.ts';
import { MetadataError } from '../errors.ts';
import { named } from '../place.ts';

/** An attribute with the element it stands on. */
export interface Given {
  readonly element: XmlElement;
  readonly name: string;
  readonly value: string;
}

/** @returns the error of a value that cannot be read */
function wrong({ element, name, value }: Given, expected: string): MetadataError {
  return new MetadataError(
    'METADATA_DOCUMENT',
    `The attribute ${name}="${value.slice(0, 100)}" of ${named(element)} has to be ${expected}.`,
  );
}

/** @returns the error of something that is understood and not spoken */
export function unspoken({ element, name, value }: Given, what: string): MetadataError {
  return new MetadataError('METADATA_UNSUPPORTED', `${name}="${value.slice(0, 100)}" of ${named(element)}: ${what}`);
}

/** @throws MetadataError `METADATA_DOCUMENT` */
export function flag(given: Given): boolean {
  const text = given.value.trim().toLowerCase();
  if (text !== 'true' && text !== 'false') throw wrong(given, 'true or false');
  return text === 'true';
}

/** @throws MetadataError `METADATA_DOCUMENT` */
export function count(given: Given): number {
  if (!/^\d{1,15}$/.test(given.value.trim())) throw wrong(given, 'a whole number');
  return Number(given.value);
}

/** A TimeSpan, `[days.]hours:minutes:seconds[.fraction]`, in milliseconds. @throws MetadataError `METADATA_DOCUMENT` */
export function span(given: Given): number {
  const match = /^(?:(\d{1,8})\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,7}))?)?$/.exec(given.value.trim());
  if (match === null) throw wrong(given, 'a time span such as 00:01:00');
  const [, days = '0', hours = '0', minutes = '0', seconds = '0', fraction = ''] = match;
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59)
    throw wrong(given, 'a time span such as 00:01:00');
  const whole = ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds);
  return whole * 1_000 + Math.floor(Number(fraction.padEnd(7, '0')) / 10_000);
}

/** One of a few words, as they are written. @throws MetadataError `METADATA_DOCUMENT` */
export function word<const T extends string>(given: Given, words: readonly T[]): T {
  const found = words.find((one) => one === given.value.trim());
  if (found === undefined) throw wrong(given, `one of ${words.join(', ')}`);
  return found;
}
