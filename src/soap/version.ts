/** SOAP 1.1 and 1.2 as rows: code receives the row, never asks which version it is. */

export interface SoapVersion {
  readonly name: '1.1' | '1.2';
  readonly namespace: string;
  readonly mediaType: string;
  /** Where the content type of this version says what the message asks for: the HTTP header SOAPAction, or `action=`. */
  readonly actionIn: 'header' | 'parameter';
  /** Local name of the attribute that names the target of a header block. */
  readonly roleAttribute: 'actor' | 'role';
  /** The value of that attribute which means every node that the message comes to, intermediaries and the last one. */
  readonly nextRole: string;
  /** Values of that attribute which mean this node: the next node and, where it exists, the ultimate receiver. */
  readonly ownRoles: readonly string[];
  /** Local names of the standard fault codes. */
  readonly codes: {
    readonly sender: string;
    readonly receiver: string;
    readonly mustUnderstand: 'MustUnderstand';
    readonly versionMismatch: 'VersionMismatch';
  };
}

export const soap11: SoapVersion = Object.freeze({
  name: '1.1',
  namespace: 'http://schemas.xmlsoap.org/soap/envelope/',
  mediaType: 'text/xml',
  actionIn: 'header',
  roleAttribute: 'actor',
  nextRole: 'http://schemas.xmlsoap.org/soap/actor/next',
  ownRoles: Object.freeze(['http://schemas.xmlsoap.org/soap/actor/next']),
  codes: Object.freeze({
    sender: 'Client',
    receiver: 'Server',
    mustUnderstand: 'MustUnderstand',
    versionMismatch: 'VersionMismatch',
  }),
});

export const soap12: SoapVersion = Object.freeze({
  name: '1.2',
  namespace: 'http://www.w3.org/2003/05/soap-envelope',
  mediaType: 'application/soap+xml',
  actionIn: 'parameter',
  roleAttribute: 'role',
  nextRole: 'http://www.w3.org/2003/05/soap-envelope/role/next',
  ownRoles: Object.freeze([
    'http://www.w3.org/2003/05/soap-envelope/role/next',
    'http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver',
  ]),
  codes: Object.freeze({
    sender: 'Sender',
    receiver: 'Receiver',
    mustUnderstand: 'MustUnderstand',
    versionMismatch: 'VersionMismatch',
  }),
});

export const soapVersions: readonly SoapVersion[] = Object.freeze([soap11, soap12]);
