/**
 * wsse11:SignatureConfirmation (WSS 1.1 section 8.5): the reply says which signatures the responder has verified, so that the
 * initiator knows that its request was the one that was answered.
 */
import { base64, equalBytes, fromBase64 } from '../base/bytes.ts';
import type { XmlElement } from '../xml/document.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import { XmlWriter } from '../xml/write.ts';
import { SecurityError } from './errors.ts';
import { wsse11, wsu } from './names.ts';

/** @param value SignatureValue of a signature of the request; `undefined` when the request had none */
export function writeConfirmation(id: string, value: Uint8Array | undefined): XmlFragment {
  const writer = new XmlWriter().start(wsse11, 'SignatureConfirmation', 'wsse11').attribute(wsu, 'Id', id, 'wsu');
  if (value !== undefined) writer.attribute('', 'Value', base64(value));
  return writer.end().finish();
}

/**
 * Checks that a reply confirms every signature of the request once and nothing else.
 *
 * @param values SignatureValues of the request
 * @throws SecurityError `SECURITY_CONFIRMATION`
 */
export function requireConfirmed(confirmations: readonly XmlElement[], values: readonly Uint8Array[]): void {
  const open = [...values];
  for (const confirmation of confirmations) {
    if (confirmation.children.length > 0) throw unconfirmed('A SignatureConfirmation is not empty.');
    const text = confirmation.attribute('Value');
    const value = text === undefined ? undefined : fromBase64(text);
    const isNone = text === undefined && values.length === 0 && confirmations.length === 1;
    if (isNone) return;
    const at = open.findIndex((one) => value !== undefined && equalBytes(one, value));
    if (at === -1) throw unconfirmed('The reply confirms a signature that the request did not have, or one twice.');
    open.splice(at, 1);
  }
  if (open.length > 0 || confirmations.length === 0) throw unconfirmed('The reply does not confirm its request.');
}

function unconfirmed(what: string): SecurityError {
  return new SecurityError('SECURITY_CONFIRMATION', what);
}
