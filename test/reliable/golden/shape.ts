/**
 * The shape of a message as one line: elements in their order with fixed prefixes (`s` SOAP, `a` addressing, `r` reliable
 * messaging, `n` WCF's flow control, `x` the application), children in parentheses, `!` for mustUnderstand, `@` for other
 * attributes, and the QName where an element holds one.
 */
import type { Message } from '../../../src/soap/message.ts';
import type { XmlElement } from '../../../src/xml/document.ts';
import { qname } from '../../../src/xml/find.ts';

const prefixes: ReadonlyMap<string, string> = new Map([
  ['http://schemas.xmlsoap.org/soap/envelope/', 's'],
  ['http://www.w3.org/2003/05/soap-envelope', 's'],
  ['http://schemas.xmlsoap.org/ws/2004/08/addressing', 'a'],
  ['http://www.w3.org/2005/08/addressing', 'a'],
  ['http://schemas.xmlsoap.org/ws/2005/02/rm', 'r'],
  ['http://docs.oasis-open.org/ws-rx/wsrm/200702', 'r'],
  ['http://schemas.microsoft.com/ws/2006/05/rm', 'n'],
]);
const ofQNames: readonly string[] = ['s:Value', 'faultcode', 'r:FaultCode'];

export interface Shape {
  readonly action: string;
  readonly headers: readonly string[];
  readonly body: string;
}

export function shapeOf(message: Message): Shape {
  return {
    action: message.action,
    headers: message.headers.map(({ fragment }) => shape(fragment.element)),
    body: message.body.element.children.map(shape).join(' '),
  };
}

function shape(of: XmlElement): string {
  const name = nameOf(of.namespace, of.local);
  // What the application says is its own business.
  if (name.startsWith('x:')) return 'x';
  const children = of.children.map(shape).join(' ');
  const attributes = of.attributes
    .filter(({ namespace, local }) => local !== 'lang' && !(namespace === '' && local === 'xmlns'))
    .map(({ local, value }) => (local === 'mustUnderstand' && value !== '0' ? '!' : `@${local}`))
    .sort()
    .join('');
  const value = ofQNames.includes(name) ? qname(of, of.text) : undefined;
  const named = value === undefined ? '' : `=${nameOf(value.namespace, value.local)}`;
  return `${name}${attributes}${named}${children === '' ? '' : `(${children})`}`;
}

function nameOf(namespace: string, local: string): string {
  if (namespace === '') return local;
  return `${prefixes.get(namespace) ?? 'x'}:${local}`;
}
