/**
 * Faults in both forms (SOAP 1.1 section 4.4, SOAP 1.2 part 1 section 5.4), read into one value and written from it.
 *
 * SOAP 1.1 has room for one code only: the subcode where there is one, else Client, Server, …. A fault that
 * WS-Addressing defines carries its detail in a wsa:FaultDetail header there (WS-Addressing 1.0 SOAP binding 6.3).
 */
import type { XmlElement } from '../xml/document.ts';
import { XmlError } from '../xml/errors.ts';
import { child, childrenOf, requiredChild, simpleText } from '../xml/find.ts';
import { XmlFragment } from '../xml/fragment.ts';
import { XmlWriter } from '../xml/write.ts';
import { answerable, faultAddressing, withAddressing } from './addressing.ts';
import { addressingVersions } from './addressing-versions.ts';
import { findHeaders, header, message, notUnderstood, payload, soapPrefix, withHeaders } from './envelope.ts';
import { type Fault, type FaultCode, type QualifiedName, SoapError } from './errors.ts';
import type { HeaderBlock, Message } from './message.ts';
import { type SoapVersion, soap12, soapVersions } from './version.ts';

export { type Fault, FaultError } from './errors.ts';

/** The prefixes of the QNames that stand for subcodes. */
const subcodePrefixes = ['c', 'd'] as const;

/**
 * The Fault element of a SOAP version.
 *
 * In SOAP 1.1 the faultcode is the subcode where there is one, the detail element is always written when the fault has
 * detail (it says that the Body was at fault), and a second subcode is lost.
 */
export function faultPayload(version: SoapVersion, fault: Fault): XmlFragment {
  const writer = new XmlWriter().start(version.namespace, 'Fault', soapPrefix);
  forms[version.name].write(writer, version, fault);
  return writer.end().finish();
}

/**
 * The fault that a message carries, or `undefined` when its payload is something else.
 *
 * @throws SoapError `SOAP_ENVELOPE` when the payload is a Fault without a code, or with one of its parts twice
 */
export function faultOf(of: Message): Fault | undefined {
  // What was written here need not be read to know that it is none.
  const { first } = of.body.writtenAs;
  if (first !== undefined && (first.local !== 'Fault' || first.namespace !== of.version.namespace)) return undefined;
  const element = payload(of);
  if (!element?.is(of.version.namespace, 'Fault')) return undefined;
  let fault: Fault;
  try {
    fault = forms[of.version.name].read(element, of.version);
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    throw new SoapError('SOAP_ENVELOPE', `The peer sent a fault that cannot be read: ${error.message}`, {
      cause: error,
    });
  }
  if (fault.detail !== undefined || fault.subcode === undefined) return fault;
  const [carried] = findHeaders(of, fault.subcode.namespace, faultDetail);
  return carried === undefined || !isAddressing(fault.subcode)
    ? fault
    : { ...fault, detail: fragments(carried.fragment.element) };
}

export interface FaultReplyOptions {
  /** Action of the fault; without it, the fault action of the request's addressing version. */
  readonly action?: string | undefined;
  /** SOAP version when there is no request to take it from; 1.2 without. */
  readonly version?: SoapVersion | undefined;
  /** Header blocks that explain the fault, before all others. */
  readonly headers?: readonly HeaderBlock[] | undefined;
}

/**
 * The message that tells the sender of `request` of a fault: related to it and addressed as it asked, as far as that can
 * be known. A MustUnderstand fault of SOAP 1.2 names each block that was not understood, a VersionMismatch fault the
 * versions that are.
 *
 * @param request absent when nothing of it could be read
 */
export function faultReply(request: Message | undefined, fault: Fault, options: FaultReplyOptions = {}): Message {
  const version = options.version ?? request?.version ?? soap12;
  const asked = request === undefined ? undefined : answerable(request);
  const form = forms[version.name];
  const ofAddressing = fault.subcode !== undefined && isAddressing(fault.subcode);
  const headers = [...(options.headers ?? []), ...form.explain(version, fault, request)];
  let carried = fault;
  if (ofAddressing && fault.detail !== undefined && form.addressingDetailInHeader) {
    const writer = new XmlWriter().start(fault.subcode?.namespace ?? '', faultDetail, 'a');
    for (const part of fault.detail) writer.fragment(part);
    headers.push(header(version, writer.end().finish()));
    carried = { ...fault, detail: undefined };
  }
  const reply = message({ version, action: options.action, headers, body: faultPayload(version, carried) });
  if (asked === undefined) return reply;
  const usual = ofAddressing ? asked.version.faultAction : asked.version.soapFaultAction;
  const addressed = withAddressing({ ...reply, headers: [] }, faultAddressing(asked, options.action ?? usual));
  return withHeaders(addressed, headers);
}

/**
 * The fault that an error stands for on the wire: what it carries itself, a Sender fault for XML that could not be read,
 * and a Receiver fault that says nothing for everything else.
 */
export function faultFor(thrown: unknown): Fault {
  if (thrown instanceof SoapError && thrown.fault !== undefined) return thrown.fault;
  if (thrown instanceof XmlError) return { code: 'sender', reason: 'The message could not be read as XML.' };
  return { code: 'receiver', reason: 'The message could not be processed because of an internal error.' };
}

/**
 * The fault for octets that could not be read: `faultFor`, and where they are wrong. For octets as they came only; what
 * was decrypted is nobody's business.
 */
export function unreadableFault(thrown: unknown): Fault {
  if (!(thrown instanceof XmlError)) return faultFor(thrown);
  return { code: 'sender', reason: `The message could not be read as XML: ${thrown.message}.` };
}

const faultDetail = 'FaultDetail';

interface Form {
  readonly addressingDetailInHeader: boolean;
  write(writer: XmlWriter, version: SoapVersion, fault: Fault): void;
  read(element: XmlElement, version: SoapVersion): Fault;
  /** Header blocks of SOAP itself that go with a fault. */
  explain(version: SoapVersion, fault: Fault, request: Message | undefined): readonly HeaderBlock[];
}

const forms: Readonly<Record<SoapVersion['name'], Form>> = {
  '1.1': {
    addressingDetailInHeader: true,
    write(writer, version, fault) {
      writer.start('', 'faultcode');
      writeCode(writer, version, fault.subcode, fault.code, subcodePrefixes[0]);
      writer.end().start('', 'faultstring');
      writer.attribute(xmlNamespace, 'lang', 'en', 'xml').text(fault.reason).end();
      if (fault.role !== undefined) writer.element('', 'faultactor', fault.role);
      if (fault.detail !== undefined) writeParts(writer.start('', 'detail'), fault.detail);
    },
    read(element, version) {
      const code = readCode(requiredChild(element, '', 'faultcode'), version);
      const detail = child(element, '', 'detail');
      return {
        ...code,
        reason: child(element, '', 'faultstring')?.text ?? '',
        detail: detail === undefined ? undefined : fragments(detail),
        role: child(element, '', 'faultactor')?.text.trim(),
      };
    },
    explain: () => [],
  },
  '1.2': {
    addressingDetailInHeader: false,
    write(writer, version, fault) {
      const { namespace } = version;
      const subcodes = [fault.subcode, fault.subsubcode].filter((code) => code !== undefined);
      writer.start(namespace, 'Code', soapPrefix).start(namespace, 'Value', soapPrefix);
      writeCode(writer, version, undefined, fault.code, soapPrefix);
      writer.end();
      subcodes.forEach((code, depth) => {
        writer.start(namespace, 'Subcode', soapPrefix).start(namespace, 'Value', soapPrefix);
        writeCode(writer, version, code, fault.code, subcodePrefixes[depth] ?? soapPrefix);
        writer.end();
      });
      for (const _ of subcodes) writer.end();
      writer.end().start(namespace, 'Reason', soapPrefix).start(namespace, 'Text', soapPrefix);
      writer.attribute(xmlNamespace, 'lang', 'en', 'xml').text(fault.reason).end().end();
      if (fault.node !== undefined) writer.element(namespace, 'Node', fault.node, soapPrefix);
      if (fault.role !== undefined) writer.element(namespace, 'Role', fault.role, soapPrefix);
      if (fault.detail !== undefined) writeParts(writer.start(namespace, 'Detail', soapPrefix), fault.detail);
    },
    read(element, version) {
      const { namespace } = version;
      const code = requiredChild(element, namespace, 'Code');
      const outer = child(code, namespace, 'Subcode');
      const inner = outer === undefined ? undefined : child(outer, namespace, 'Subcode');
      const qnameOf = (of: XmlElement | undefined) =>
        of === undefined ? undefined : nameIn(requiredChild(of, namespace, 'Value'));
      const reason = child(element, namespace, 'Reason');
      const texts = reason === undefined ? [] : childrenOf(reason, namespace, 'Text');
      const english = texts.find((text) => /^en\b/i.test(text.attribute('lang', xmlNamespace) ?? ''));
      const detail = child(element, namespace, 'Detail');
      const first = readCode(requiredChild(code, namespace, 'Value'), version);
      return {
        code: first.code,
        subcode: qnameOf(outer) ?? first.subcode,
        subsubcode: qnameOf(inner),
        reason: (english ?? texts[0])?.text ?? '',
        node: child(element, namespace, 'Node')?.text.trim(),
        role: child(element, namespace, 'Role')?.text.trim(),
        detail: detail === undefined ? undefined : fragments(detail),
      };
    },
    explain(version, fault, request) {
      if (fault.code === 'versionMismatch') return [upgrade(version)];
      if (fault.code !== 'mustUnderstand' || request === undefined) return [];
      return notUnderstood(request).map((block) => {
        const writer = new XmlWriter().start(version.namespace, 'NotUnderstood', soapPrefix);
        writer.declare('q', block.namespace).attribute('', 'qname', `q:${block.local}`);
        return header(version, writer.end().finish());
      });
    },
  },
};

/** SOAP 1.2 part 1 section 5.4.7: the envelopes that this node reads, best first. */
function upgrade(version: SoapVersion): HeaderBlock {
  const writer = new XmlWriter().start(version.namespace, 'Upgrade', soapPrefix);
  for (const row of soapVersions.toReversed()) {
    writer.start(version.namespace, 'SupportedEnvelope', soapPrefix);
    writer.declare('e', row.namespace).attribute('', 'qname', 'e:Envelope').end();
  }
  return header(version, writer.end().finish());
}

const xmlNamespace = 'http://www.w3.org/XML/1998/namespace';

/** Writes a QName as text: the subcode, else the standard code. */
function writeCode(
  writer: XmlWriter,
  version: SoapVersion,
  subcode: QualifiedName | undefined,
  code: FaultCode,
  prefix: string,
): void {
  if (subcode === undefined) writer.text(`${soapPrefix}:${version.codes[code]}`);
  else writer.declare(prefix, subcode.namespace).text(`${prefix}:${subcode.local}`);
}

function writeParts(writer: XmlWriter, parts: readonly XmlFragment[]): void {
  for (const part of parts) writer.fragment(part);
  writer.end();
}

/**
 * The meaning of a faultcode or a first Value. A standard code without its prefix is taken for what it means, and so is
 * the part before a dot (`Client.Authentication`, SOAP 1.1 section 4.4.1); any other name is a subcode.
 */
function readCode(element: XmlElement, version: SoapVersion): Pick<Fault, 'code' | 'subcode'> {
  const name = nameIn(element);
  const standard = codeOf(name.local.split('.')[0] ?? '', version);
  if (name.namespace === version.namespace) return { code: standard ?? 'sender' };
  if (name.namespace === '' && standard !== undefined) return { code: standard };
  return { code: 'sender', subcode: name };
}

function codeOf(local: string, version: SoapVersion): FaultCode | undefined {
  return faultCodes.find((code) => version.codes[code] === local);
}

const faultCodes: readonly FaultCode[] = ['sender', 'receiver', 'mustUnderstand', 'versionMismatch'];

/** A QName in content; a prefix that is not declared leaves the name in no namespace. */
function nameIn(element: XmlElement): QualifiedName {
  const [local = '', prefix = ''] = simpleText(element).split(':').reverse();
  return { namespace: element.namespaceOf(prefix) ?? '', local };
}

function fragments(of: XmlElement): readonly XmlFragment[] {
  return of.children.map((part) => XmlFragment.of(part));
}

function isAddressing(name: QualifiedName): boolean {
  return addressingVersions.some((version) => version.namespace === name.namespace);
}
