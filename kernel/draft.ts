/** The tape while it is made, and the limits of the document that it is of. */
import { N_KIND, N_PARENT, N_REF, N_START, NODE } from '../src/xml/tape.ts';

/** Not of the usual kind, or wrong. */
export const NO: i32 = -1;

/** As in limits.ts; and the seeds of the hash of names. */
export class Limits {
  static depth: i32 = 0;
  static nodes: i32 = 0;
  static text: i32 = 0;
  static attributes: i32 = 0;
  static name: i32 = 0;
  static namespaces: i32 = 0;
  static seed: i32 = 0;
  static factor: i32 = 0;
}

export class Draft {
  /** Octets of the document. */
  static length: i32 = 0;
  /** Where the runs of the tape begin, and how many records there is room for. */
  static nodesAt: i32 = 0;
  static elementsAt: i32 = 0;
  static attributesAt: i32 = 0;
  static declarationsAt: i32 = 0;
  /** Where canonical octets are written. */
  static outputAt: i32 = 0;
  static roomForNodes: i32 = 0;
  static roomForElements: i32 = 0;
  static roomForAttributes: i32 = 0;
  static roomForDeclarations: i32 = 0;
  static nodeCount: i32 = 0;
  static elementCount: i32 = 0;
  static attributeCount: i32 = 0;
  static declarationCount: i32 = 0;
  static nameCount: i32 = 0;
  static namespaceCount: i32 = 0;
  /** The open element, -1 at document level, and how many are open. */
  static openNode: i32 = -1;
  static depth: i32 = 0;
  static root: i32 = -1;
  /** Innermost declaration in scope, -1 for none, and how many are in scope. */
  static innermost: i32 = -1;
  static inScope: i32 = 0;
  /** What documents before have left in the slots of names is not above this. */
  static slotBase: i32 = 0;
  /** The name read last, and the octet behind. */
  static lastName: i32 = 0;
  static nameEnd: i32 = 0;
  /** Of the start tag read last: the name, and the octet behind. */
  static tagName: i32 = 0;
  static behindTag: i32 = 0;
}

export function addNode(kind: i32, start: i32, ref: i32): bool {
  if (Draft.nodeCount >= Limits.nodes || Draft.nodeCount >= Draft.roomForNodes) return false;
  const place = Draft.nodesAt + Draft.nodeCount * (NODE * 4);
  Draft.nodeCount++;
  store<i32>(place, kind, N_KIND * 4);
  store<i32>(place, start, N_START * 4);
  store<i32>(place, Draft.openNode, N_PARENT * 4);
  store<i32>(place, ref, N_REF * 4);
  return true;
}
