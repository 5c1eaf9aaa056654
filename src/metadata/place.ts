/** Where something stands, for people who have to find it in a file of a thousand lines. */
import type { XmlElement } from '../xml/document.ts';

/** The line of an element's start tag in its document, from 1. */
export function lineOf(element: XmlElement): number {
  const { bytes } = element.document;
  let line = 1;
  for (let at = bytes.indexOf(10); at >= 0 && at < element.start; at = bytes.indexOf(10, at + 1)) line++;
  return line;
}

/** An element as an error names it: as it is written, with its line. */
export function named(element: XmlElement): string {
  const name = element.prefix === '' ? element.local : `${element.prefix}:${element.local}`;
  return `<${name}> (line ${lineOf(element)})`;
}
