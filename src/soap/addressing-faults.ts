/** The faults that WS-Addressing defines (1.0 SOAP binding section 6.4; 2004/08 section 4), as values. */
import type { XmlFragment } from '../xml/fragment.ts';
import { XmlWriter } from '../xml/write.ts';
import type { AddressingProblem, AddressingVersion } from './addressing-versions.ts';
import { type Fault, SoapError } from './errors.ts';

export interface AddressingFaultOptions {
  /** The second subcode; written where the version has one. */
  readonly problem?: AddressingProblem | undefined;
  /** Local name of the header block at fault, for ProblemHeaderQName. */
  readonly header?: string | undefined;
  /** Both actions, for ProblemAction. */
  readonly actions?: { readonly action: string; readonly soapAction: string } | undefined;
  /** The address at fault, for ProblemIRI. */
  readonly address?: string | undefined;
}

/** A fault of WS-Addressing `version`; `code` names the subcode by its meaning. */
export function addressingFault(
  version: AddressingVersion,
  code: keyof AddressingVersion['codes'],
  reason: string,
  options: AddressingFaultOptions = {},
): Fault {
  const { namespace } = version;
  const explained = version.explains ? details(namespace, options) : [];
  return {
    code: code === 'endpointUnavailable' ? 'receiver' : 'sender',
    subcode: { namespace, local: version.codes[code] },
    subsubcode: version.explains && options.problem !== undefined ? { namespace, local: options.problem } : undefined,
    reason,
    detail: explained.length === 0 ? undefined : explained,
  };
}

/** The SoapError `SOAP_ADDRESSING` that tells the peer of such a fault. */
export function addressingError(
  version: AddressingVersion,
  code: keyof AddressingVersion['codes'],
  reason: string,
  options: AddressingFaultOptions = {},
  cause?: Error,
): SoapError {
  return new SoapError('SOAP_ADDRESSING', reason, { fault: addressingFault(version, code, reason, options), cause });
}

const prefix = 'a';

function details(namespace: string, { header, actions, address }: AddressingFaultOptions): readonly XmlFragment[] {
  const found: XmlFragment[] = [];
  if (header !== undefined) {
    const writer = new XmlWriter().start(namespace, 'ProblemHeaderQName', prefix).declare(prefix, namespace);
    found.push(writer.text(`${prefix}:${header}`).end().finish());
  }
  if (actions !== undefined) {
    const writer = new XmlWriter().start(namespace, 'ProblemAction', prefix);
    writer.element(namespace, 'Action', actions.action, prefix);
    found.push(writer.element(namespace, 'SoapAction', actions.soapAction, prefix).end().finish());
  }
  if (address !== undefined) {
    found.push(new XmlWriter().element(namespace, 'ProblemIRI', address, prefix).finish());
  }
  return found;
}
