/**
 * An immutable SOAP message: header blocks and a body, each a fragment that stands by itself. Layers never edit one;
 * they return another. Addressing lives in the header blocks like everything else (see `addressing.ts`).
 */
import type { XmlDocument } from '../xml/document.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import type { Addressing } from './addressing.ts';
import type { SoapVersion } from './version.ts';

export interface HeaderBlock {
  readonly namespace: string;
  readonly local: string;
  readonly mustUnderstand: boolean;
  /** The actor or role it is addressed to; absent for the ultimate receiver. */
  readonly role: string | undefined;
  /** The whole block, its attributes included. */
  readonly fragment: XmlFragment;
}

export interface Message {
  readonly version: SoapVersion;
  /** What the message asks for: wsa:Action, or SOAPAction where there is no addressing; '' when neither is there. */
  readonly action: string;
  readonly headers: readonly HeaderBlock[];
  /** The whole soap:Body element. */
  readonly body: XmlFragment;
  /** The document it was read from, for layers that verify octets; absent for a message made here. */
  readonly source: XmlDocument | undefined;
  /** For `addressingOf` only: what it found in these header blocks. (A WeakMap costs more than reading them again.) */
  known: { readonly headers: readonly HeaderBlock[]; readonly addressing: Addressing | undefined } | undefined;
}
