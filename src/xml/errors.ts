/** What goes wrong in the XML room: one class, one closed union of codes. */
import { SurewireError, type SurewireErrorOptions } from '../base/errors.ts';

export type XmlErrorCode =
  /** Neither UTF-8 nor UTF-16, or octets that are not what the XML declaration says. */
  | 'XML_ENCODING'
  /** Not a well-formed XML 1.0 document. */
  | 'XML_MALFORMED'
  /** Not namespace-well-formed, or a relative namespace name. */
  | 'XML_NAMESPACE'
  /** A document type declaration. */
  | 'XML_DTD'
  /** A limit of `XmlLimits` was exceeded. */
  | 'XML_LIMIT'
  /** Two elements carry one id. */
  | 'XML_DUPLICATE_ID'
  /** An element, attribute or text that must (not) be there. */
  | 'XML_UNEXPECTED'
  /** An XPath expression that is wrong, fails, or yields something else than elements. */
  | 'XML_XPATH';

export interface XmlErrorOptions extends SurewireErrorOptions {
  readonly offset?: number;
}

export class XmlError extends SurewireError<XmlErrorCode> {
  /** Where in the document's UTF-8 octets it went wrong, where that is known. */
  readonly offset: number | undefined;

  constructor(code: XmlErrorCode, message: string, options: XmlErrorOptions = {}) {
    super(code, options.offset === undefined ? message : `${message} (at octet ${options.offset})`, options);
    this.offset = options.offset;
  }
}
