/** Assertions as plain values, and how they are written: what a policy says is one thing, its brackets another. */
import type { XmlWriter } from '../xml/write.ts';
import { wsu } from './namespaces.ts';

export interface AssertionTree {
  readonly namespace: string;
  readonly local: string;
  readonly attributes?: Readonly<Record<string, string>> | undefined;
  /** Children outside the nested policy that stand before it. */
  readonly before?: readonly AssertionTree[] | undefined;
  /** A nested policy; an empty one is written, too. */
  readonly policy?: readonly AssertionTree[] | undefined;
  /** Parameters: children outside the nested policy, written after it. */
  readonly parameters?: readonly AssertionTree[] | undefined;
  readonly text?: string | undefined;
}

/** An assertion, with a nested policy where `policy` is given. */
export function assertion(
  namespace: string,
  local: string,
  policy?: readonly (AssertionTree | undefined)[],
): AssertionTree {
  return { namespace, local, policy: policy?.filter((one) => one !== undefined) };
}

/** `wsp:Policy` with one alternative, in its normal form. */
export function writePolicy(writer: XmlWriter, wsp: string, id: string, all: readonly AssertionTree[]): void {
  writer.start(wsp, 'Policy', 'wsp').attribute(wsu, 'Id', id, 'wsu');
  writer.start(wsp, 'ExactlyOne', 'wsp').start(wsp, 'All', 'wsp');
  for (const one of all) write(writer, wsp, one);
  writer.end().end().end();
}

function write(writer: XmlWriter, wsp: string, one: AssertionTree): void {
  writer.start(one.namespace, one.local, prefixes.get(one.namespace));
  for (const [name, value] of Object.entries(one.attributes ?? {})) {
    // IncludeToken is qualified, all others are not.
    writer.attribute(
      name === 'IncludeToken' ? one.namespace : '',
      name,
      value,
      name === 'IncludeToken' ? 'sp' : undefined,
    );
  }
  for (const inner of one.before ?? []) write(writer, wsp, inner);
  if (one.policy !== undefined) {
    writer.start(wsp, 'Policy', 'wsp');
    for (const inner of one.policy) write(writer, wsp, inner);
    writer.end();
  }
  for (const inner of one.parameters ?? []) write(writer, wsp, inner);
  if (one.text !== undefined) writer.text(one.text);
  writer.end();
}

const prefixes: ReadonlyMap<string, string> = new Map([
  ['http://schemas.xmlsoap.org/ws/2005/07/securitypolicy', 'sp'],
  ['http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702', 'sp'],
  ['http://schemas.microsoft.com/ws/2005/07/securitypolicy', 'mssp'],
  ['http://schemas.xmlsoap.org/ws/2005/02/rm/policy', 'wsrmp'],
  ['http://docs.oasis-open.org/ws-rx/wsrmp/200702', 'wsrmp'],
  ['http://schemas.microsoft.com/ws-rx/wsrmp/200702', 'netrmp'],
  ['http://www.w3.org/2006/05/addressing/wsdl', 'wsaw'],
  ['http://www.w3.org/2007/05/addressing/metadata', 'wsam'],
]);
