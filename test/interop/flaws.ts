/**
 * What does not work between surewire and a peer: one row for each cause, named after the folder of `transcripts` where it can be
 * seen. Who is wrong is a peer, or nobody where the specifications leave it open.
 */
export interface Flaw {
  /** What happens, and what to do instead where there is something. */
  readonly reason: string;
  readonly wrong: string;
  /** The document and section that says so, or that leaves it open. */
  readonly clause: string;
}

const invariants = 'WS-ReliableMessaging 1.1 section 2.4 (Protocol Invariants: it stays to be delivered)';
const ofReplies = 'WS-ReliableMessaging 1.1 section 2.4: the message is delivered once; it says nothing of its reply';
const behavior = 'WS-ReliableMessaging 1.1 section 3.4 (CreateSequence, IncompleteSequenceBehavior';

/** A folder of `transcripts`. */
export type FlawName =
  | 'cxf-client-acknowledgement-lost'
  | 'cxf-client-answer-cut'
  | 'cxf-server-answer-lost'
  | 'cxf-server-fault'
  | 'cxf-server-last-message'
  | 'cxf-server-out-of-band'
  | 'cxf-client-wsdl-addressing'
  | 'cxf-sts-trust-200502'
  | 'cxf-sts-cancel'
  | 'gsoap-client-encrypted-offer'
  | 'gsoap-client-oaep'
  | 'gsoap-client-saml'
  | 'gsoap-encrypted-body'
  | 'gsoap-server-answer-lost'
  | 'gsoap-server-in-flight'
  | 'gsoap-server-together'
  | 'metro-client-answer-cut'
  | 'metro-client-in-flight'
  | 'metro-client-issued'
  | 'metro-client-one-way-polled'
  | 'metro-server-pending'
  | 'metro-server-secret'
  | 'metro-server-together'
  | 'node-soap-id'
  | 'node-soap-reference'
  | 'xmlsec1-ed25519'
  | 'xmlsec1-rsa-pss'
  | 'zeep-unsigned-user'
  | 'zeep-x509data';

export const flaws: Readonly<Record<FlawName, Flaw>> = {
  'cxf-client-acknowledgement-lost': {
    reason:
      'Over two connections CXF acknowledges an answer before it takes it; when that acknowledgement cannot be sent, its application gets ' +
      'the error of it ("Failed to send RM protocol message") in place of the answer',
    wrong: 'CXF',
    clause:
      'WS-ReliableMessaging 1.1 section 2.4 (Protocol Invariants: an acknowledgement may be lost, and is sent again)',
  },
  'cxf-client-answer-cut': {
    reason:
      'CXF takes half an answer for an answer: its application gets "Error reading XMLStreamReader: closed", although the message is ' +
      'not acknowledged and is sent again',
    wrong: 'CXF',
    clause: invariants,
  },
  'cxf-server-answer-lost': {
    reason:
      'CXF does not keep the answer for a client at the anonymous address: it acknowledges the repeated request, and the answer that ' +
      'was lost is lost',
    wrong: 'nobody',
    clause: ofReplies,
  },
  'cxf-server-fault': {
    reason:
      'CXF takes what its implementation throws for a delivery that failed: with in-order delivery it never processes, acknowledges ' +
      'or answers the next message of the sequence, although a fault is a reply like any other',
    wrong: 'CXF',
    clause: 'WS-ReliableMessaging 1.1 section 2.2: it was delivered',
  },
  'cxf-server-last-message': {
    reason:
      'CXF never acknowledges a LastMessage that arrives while it sends the acknowledgement of the message before, which is what a source ' +
      'that closes its sequence waited for, nor any copy of it: use WS-ReliableMessaging 1.1',
    wrong: 'CXF',
    clause: 'WS-ReliableMessaging 2005/02 section 3.3 (AckRequested: an acknowledgement is to be returned)',
  },
  'cxf-server-out-of-band': {
    reason:
      'CXF has nothing to carry the acknowledgement of a one-way message on over two connections, and cannot send one by itself under a ' +
      'security context: its server takes itself for a client without one and fails to ask for it (NullPointerException in ' +
      'SecureConversationTokenInterceptorProvider): let the operation answer',
    wrong: 'CXF',
    clause: 'WS-ReliableMessaging 1.1 section 3.8 (AckRequested: an acknowledgement is to be sent)',
  },
  'cxf-client-wsdl-addressing': {
    reason: 'CXF sends WS-RM 1.0 with WS-Addressing 2004/08 whatever the policy says; set its RM10AddressingNamespace',
    wrong: 'CXF',
    clause: 'WS-Addressing 1.0 Metadata section 3.1.1 (wsam:Addressing: WS-Addressing 1.0 is required)',
  },
  'cxf-sts-trust-200502': {
    reason: 'The token service of CXF reads WS-Trust 1.3 and 1.4 only',
    wrong: 'nobody',
    clause: 'WS-Trust 1.3, Namespace: another namespace is another protocol, and no service has to speak both',
  },
  'cxf-sts-cancel': {
    reason: 'The token service of CXF cancels security contexts only, and no assertions',
    wrong: 'nobody',
    clause: 'WS-Trust 1.3 section 6 (Cancel Binding): a binding that a service may have',
  },
  'gsoap-client-encrypted-offer': {
    reason:
      'gSOAP does not end an empty element in a Body that it encrypts: the Endpoint of its Offer over WS-RM 1.0 is no XML once it is ' +
      'decrypted ("<wsa5:Address></wsrm:Endpoint>"): make no Offer',
    wrong: 'gSOAP',
    clause: 'XML 1.0 section 3.1 (an end tag has the name of its start tag)',
  },
  'gsoap-client-oaep': {
    reason:
      'What gSOAP calls rsa-oaep-mgf1p is a key padded as PKCS#1 1.5, which nobody else opens under that name: let it encrypt keys ' +
      'with RSA-1.5, and take the suite Basic256Sha256Rsa15',
    wrong: 'gSOAP',
    clause: 'XML Encryption 1.1 section 5.5.2 (RSA-OAEP)',
  },
  'gsoap-client-saml': {
    reason:
      'gSOAP lists the transforms of an assertion that it signs the wrong way round: enveloped-signature after canonicalization has no ' +
      'signature to leave out: let another issuer sign',
    wrong: 'gSOAP',
    clause: 'XML Signature 1.1 section 6.6.4, SAML Core 2.0 section 5.4.4',
  },
  'gsoap-encrypted-body': {
    reason:
      'gSOAP decrypts a Body and computes another digest of it than was signed, and so refuses what is signed and encrypted, its own ' +
      'messages too: sign only, or let its client encrypt one-way messages',
    wrong: 'gSOAP',
    clause: 'XML Encryption 1.1 section 4.4 (the plaintext takes the place of the EncryptedData)',
  },
  'gsoap-server-answer-lost': {
    reason: 'gSOAP answers a repeated request with an empty 202: an answer that was lost is lost',
    wrong: 'nobody',
    clause: ofReplies,
  },
  'gsoap-server-in-flight': {
    reason:
      'gSOAP drops a message that overtook another although it is to keep it, and acknowledges nothing of a one-way operation before ' +
      'the sequence is closed: let the messages arrive, then close',
    wrong: 'gSOAP',
    clause: `${behavior}: NoDiscard)`,
  },
  'gsoap-server-together': {
    reason:
      'gSOAP takes DiscardFollowingFirstGap, which an ordered session offers for its replies, for the requests too and ends the ' +
      'sequence when one overtakes another: use ordered: false, or one call at a time',
    wrong: 'gSOAP',
    clause: `${behavior}: that of the Offer is of the offered Sequence)`,
  },
  'metro-client-answer-cut': {
    reason:
      'Metro never sends again what half an answer came to: its call waits for ever, although the message is not acknowledged',
    wrong: 'Metro',
    clause: invariants,
  },
  'metro-client-in-flight': {
    reason:
      'Metro closes its sequence while calls of other threads are under way: what arrives after that is refused, and their application ' +
      'gets the fault or waits for ever: close when every call has returned',
    wrong: 'Metro',
    clause: 'WS-ReliableMessaging 1.1 section 3.5 (CloseSequence: no new message is accepted after it), section 2.4',
  },
  'metro-client-issued': {
    reason:
      'Metro takes messages of WS-ReliableMessaging for no operation of its WSDL and asks for no token that they are to carry: ' +
      'CreateSequence fails ("Trust IssuedToken not Found") or goes without the assertion: put the token into the bootstrap of a ' +
      'security context',
    wrong: 'Metro',
    clause: 'WS-SecurityPolicy 1.3 section 8 (supporting tokens of an endpoint are of each of its messages)',
  },
  'metro-client-one-way-polled': {
    reason:
      'Metro asks for ever for the answer that a one-way message does not have, to its own server too: let the operation answer',
    wrong: 'Metro',
    clause: 'WS-MakeConnection 1.1 section 3.3 (MessagePending: nothing waits)',
  },
  'metro-server-pending': {
    reason:
      'Metro does not sign the MessagePending that it sends, and answers a question for what does not wait with an unprotected fault ' +
      'of its own ("policy" is null)',
    wrong: 'Metro',
    clause: 'WS-MakeConnection 1.1, Security Considerations: what steers the exchange is to be signed',
  },
  'metro-server-secret': {
    reason:
      'Metro secures its answer to a repeated request under the EncryptedKey of the first one, and names it by EncryptedKeySHA1; the ' +
      'reply to a message is secured under the key of that message: use secure conversation, or mutual certificates of WSS 1.0',
    wrong: 'Metro',
    clause: 'WS-SecurityPolicy 1.3 section 7.4, WSS 1.1 section 7.7',
  },
  'metro-server-together': {
    reason:
      'Metro answers a message that overtook another on its connection with a fault ("No registered fiber found"), and takes it only ' +
      'when it is sent again, seconds later: make one call at a time, or use ordered: false',
    wrong: 'Metro',
    clause: 'WS-ReliableMessaging 1.1 section 2.4: it may be held until its turn comes',
  },
  'node-soap-id': {
    reason:
      'node-soap names the parts that it signs by an attribute Id of no namespace, which SOAP elements do not have: give ' +
      'signerOptions.idMode and signatureTransformations',
    wrong: 'node-soap',
    clause: 'WS-Security 1.1 section 4.1, BSP 1.1 R3004: ids are wsu:Id',
  },
  'node-soap-reference': {
    reason: 'node-soap writes the SecurityTokenReference without ds:KeyInfo around it: use WSSecurityCert',
    wrong: 'node-soap',
    clause: 'BSP 1.1 R5402: a signature says its key there',
  },
  'xmlsec1-ed25519': {
    reason: 'xmlsec1 1.2.37 does not know http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519',
    wrong: 'nobody',
    clause: 'RFC 9231 section 2.3.12 (EdDSA): XML Signature 1.1 section 6.1 does not require it',
  },
  'xmlsec1-rsa-pss': {
    reason: 'xmlsec1 1.2.37 does not know http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1',
    wrong: 'nobody',
    clause:
      'RFC 9231 section 2.3.10 (RSASSA-PSS without parameters): XML Signature 1.1 section 6.1 does not require it',
  },
  'zeep-unsigned-user': {
    reason:
      'zeep signs Body and Timestamp and nothing else; where a signature is required, a UsernameToken has to be in it: the password ' +
      'could be put into another message',
    wrong: 'zeep',
    clause: 'WS-SecurityPolicy 1.3 section 8.2 (SignedSupportingTokens)',
  },
  'zeep-x509data': {
    reason:
      'zeep.wsse.Signature puts X509IssuerSerial and X509Certificate into a SecurityTokenReference; only X509IssuerSerial may stand ' +
      'there: use BinarySignature',
    wrong: 'zeep',
    clause: 'WSS X.509 Certificate Token Profile 1.1 section 3.2.3',
  },
};
