/**
 * Every attack that the tests are held to, in our own words: its id, what is tried, what surewire does, and whose messages are attacked.
 * The ids are those of the project's catalogue of attacks on secure reliable SOAP endpoints; docs/ATTACKS.md is made of these rows and of
 * the titles of the tests.
 */

/** Whose messages an attack is tried on. */
export type Whose =
  /** CXF and Metro under certificates and under a context, and WSS4J. */
  | 'signed'
  /** CXF and Metro, where a session or encryption is needed. */
  | 'sessions'
  /** CXF and Metro under a context, signed again with its secret after the change: what the peer itself could send. */
  | 'peers themselves'
  /** Sessions of gSOAP, CXF and Metro. */
  | 'reliable'
  /** What gSOAP, CXF and Metro answered. */
  | 'answers'
  /** Only our own, and why. */
  | { readonly ours: string };

export interface AttackRow {
  readonly id: string;
  readonly attack: string;
  readonly does: string;
  readonly whose: Whose;
}

const noSaml = {
  ours: 'no recorded peer sends assertions; those of others are judged in test/security/saml-vectors.test.ts',
};
const noSts = { ours: 'no recorded peer is a token service' };
const noMc = { ours: 'the recordings of the repository have no MakeConnection' };
const secretKey = { ours: 'a private key of the recipient is needed, and none of a peer is kept' };
const noPasswords = { ours: 'the recordings of the repository have no UsernameToken' };
const initiator = {
  ours: 'our initiator asks with identifiers of its own, so that no recorded answer is one to it; a scripted peer answers',
};
const process = { ours: 'it is about our process, not about a message' };

type Row = readonly [id: string, attack: string, does: string, whose: Whose];

const rows: readonly Row[] = [
  // Signature wrapping
  [
    'X1',
    'The signed part goes into its own signature, a false one takes its place',
    'a reference counts for what stands where it is used: `SECURITY_REFERENCE`, `SECURITY_MALFORMED`',
    'signed',
  ],
  [
    'X2',
    'The signed part goes beside the signature',
    '`SECURITY_UNSUPPORTED`: nothing unknown may stand in the Security header',
    'signed',
  ],
  ['X3', 'Two parts of one name, the false one first', 'one Body: `SOAP_ENVELOPE`', 'signed'],
  ['X4', 'The false part is wrapped around the signed one', '`SECURITY_REFERENCE`', 'signed'],
  ['X5', 'The signed part goes to the end of the document', 'strict shape of the envelope: `SOAP_ENVELOPE`', 'signed'],
  ['X6', 'The signed part hides in the KeyInfo', '`SECURITY_REFERENCE`, `SECURITY_MALFORMED`', 'signed'],
  ['X7', 'The signed part hides in an element that may hold anything', '`SECURITY_REFERENCE`', 'signed'],
  ['X8', 'The signed part hides in an Object of the signature', '`SECURITY_REFERENCE`, `SECURITY_MALFORMED`', 'signed'],
  [
    'X9',
    'Two signed parts: one is verified, the other read',
    'what is read is what was verified, by identity: `SECURITY_REFERENCE`',
    'signed',
  ],
  [
    'X10',
    'The Body is moved away, another stands in its place',
    '`SECURITY_REFERENCE`, `SECURITY_UNSUPPORTED`',
    'signed',
  ],
  [
    'X11',
    'A second header block of the same name',
    'steering headers are signed or refused: `SECURITY_UNSIGNED`; one Timestamp, one Security header: `SECURITY_MALFORMED`',
    'signed',
  ],
  ['X12', 'An optional signed header is hidden, so that its default applies', '`SECURITY_REFERENCE`', 'sessions'],
  [
    'X13',
    'Games with the role of a header',
    'the role is part of what is signed: `SECURITY_DIGEST`; headers for other nodes are not handed up',
    'signed',
  ],
  [
    'X14',
    'The signature, or the Security header, is left out',
    'required before received: `SECURITY_UNSIGNED`, `SECURITY_MISSING`',
    'signed',
  ],
  ['X15', 'A reference that leads nowhere is passed over', '`SECURITY_REFERENCE`', 'signed'],
  ['X16', 'Two SignedInfo, or one in a comment', '`SECURITY_MALFORMED`, `SECURITY_SIGNATURE`', 'signed'],
  [
    'X17',
    'A good signature that covers too little, or another message',
    'each part of the policy is looked for among what was digested: `SECURITY_UNSIGNED`, `SECURITY_REFERENCE`',
    'peers themselves',
  ],
  ['X18', 'Something called Body that is not the Body', '`SECURITY_REFERENCE`, `SECURITY_UNSIGNED`', 'signed'],
  [
    'X19',
    'Parts named by XPath that match nothing',
    'no XPath in references, none in policies: `SECURITY_REFERENCE`, `SECURITY_ALGORITHM`',
    'peers themselves',
  ],
  [
    'X20',
    'A signed reference to a token counts for another part',
    'an STR-Transform covers the token that it leads to and nothing else: `SECURITY_UNSIGNED`, `SECURITY_TOKEN`',
    'peers themselves',
  ],
  ['X21', 'Plaintext beside ciphertext in an EncryptedHeader', 'one child only: `SECURITY_DECRYPTION`', 'sessions'],
  ['X22', 'Ciphertext in the place of what has to be signed', '`SECURITY_REFERENCE`', 'sessions'],
  [
    'X23',
    'Prefixes that mean something else where a path is resolved',
    'references are ids; a prefix that is bound anew is another text: `SECURITY_DIGEST`',
    'signed',
  ],
  ['X24', 'Two roots, two parsers', 'one scanner, one root: `XML_MALFORMED`', 'signed'],
  [
    'X25',
    'A pointer to an attachment, whose octets are exchanged',
    'no attachments: `SECURITY_DIGEST`, `SECURITY_DECRYPTION`',
    'signed',
  ],
  // Canonicalization
  ['C1', 'A comment splits a text in two', 'all of the text is read, as it was signed', 'signed'],
  ['C2', 'Two readings of a digest or signature value', 'one text, strict base64: `SECURITY_MALFORMED`', 'signed'],
  [
    'C3',
    'Comments come back through a transform or an xpointer',
    '`SECURITY_ALGORITHM`, `SECURITY_REFERENCE`',
    'peers themselves',
  ],
  [
    'C4',
    'SignedInfo is canonicalized as the attacker likes',
    'by the policy only: `SECURITY_ALGORITHM`, `SECURITY_MALFORMED`',
    'peers themselves',
  ],
  [
    'C5',
    'What is inherited from around changes the meaning of what was signed',
    'the part is handed on as it was digested, with nothing from around; a prefix of the PrefixList is digested: `SECURITY_DIGEST`',
    'signed',
  ],
  ['C6', 'Prefixes and depth make canonicalization dear', 'linear, and limited: `XML_LIMIT`', 'signed'],
  [
    'C7',
    'Namespaces and characters that parsers read otherwise',
    '`XML_NAMESPACE`, `XML_MALFORMED`, `XML_ENCODING`',
    'signed',
  ],
  [
    'C8',
    'White space and references in attributes and texts',
    'the canonical form is digested: the same, or `SECURITY_DIGEST`',
    'signed',
  ],
  ['C9', 'One attribute twice, under two prefixes', '`XML_MALFORMED`', 'signed'],
  // Keys, algorithms, certificates
  [
    'K1',
    'The message brings the key that it is to be believed with',
    'trust is decided on the certificate: `SECURITY_CERTIFICATE_UNTRUSTED`; bare keys: `SECURITY_MALFORMED`, `SECURITY_TOKEN`',
    'signed',
  ],
  [
    'K2',
    'A public key is used as the secret of a MAC',
    'the kind of key fixes the algorithm: `SECURITY_ALGORITHM`',
    'signed',
  ],
  [
    'K3',
    'A MAC that is cut',
    'no HMACOutputLength: `SECURITY_MALFORMED`; the whole value: `SECURITY_SIGNATURE`',
    'peers themselves',
  ],
  [
    'K4',
    'A weaker algorithm than that of the policy',
    'compared before it is used: `SECURITY_ALGORITHM`, for ciphertext as the cause of `SECURITY_DECRYPTION`',
    'signed',
  ],
  [
    'K5',
    'One key under two algorithms',
    'a key decrypts under the cipher of the policy only: `SECURITY_DECRYPTION`',
    'sessions',
  ],
  [
    'K6',
    'Short RSA keys',
    'RSA of 2048 bits or more: `SECURITY_KEY`',
    { ours: 'no peer was recorded with such a key, and one that is trusted is needed' },
  ],
  ['K7', 'Degenerate values of ECDSA', 'the length, then OpenSSL: `SECURITY_SIGNATURE`, `SECURITY_KEY`', 'signed'],
  ['K8', 'Points beside the curve', 'import refuses them: as any wrong key', secretKey],
  [
    'K9',
    'Certificates that are expired, for another use, or of nobody',
    'path validation: `SECURITY_CERTIFICATE_UNTRUSTED`, `SECURITY_CERTIFICATE_EXPIRED`, `SECURITY_CERTIFICATE_USAGE`',
    'signed',
  ],
  [
    'K10',
    'Another certificate of the same names',
    'references choose candidates, trust is decided on the certificate: `SECURITY_CERTIFICATE_UNTRUSTED`',
    'sessions',
  ],
  ['K11', 'Two references to keys', 'exactly one: `SECURITY_MALFORMED`, `SECURITY_TOKEN`', 'signed'],
  ['K12', 'Certificates of enormous, or claimed enormous, length', '`SECURITY_CERTIFICATE_MALFORMED`', 'signed'],
  ['K13', 'Comparing secrets octet by octet', 'in constant time', 'sessions'],
  [
    'K14',
    'An assertion that its own sender vouches for',
    '`SECURITY_TOKEN_CONFIRMATION`, `SECURITY_TOKEN_INVALID`',
    noSaml,
  ],
  ['K15', 'Conditions of an assertion that nobody looks at', '`SECURITY_TOKEN_INVALID`', noSaml],
  [
    'K16',
    'A verdict on one token is given for another',
    'verdicts are kept for the whole token and the policy that gave them',
    process,
  ],
  ['K17', 'A UsernameToken without a password', '`SECURITY_MALFORMED`', noPasswords],
  ['K18', 'Telling unknown users from wrong passwords', 'one FailedAuthentication', noPasswords],
  [
    'K19',
    'Another way into the endpoint that is not secured',
    'POST only, and security is an element of the channel: there is no other way up',
    process,
  ],
  // Encryption
  [
    'E1',
    'Asking for the padding of RSA-1.5',
    'not read unless an unsafe suite has it, and then as any other key that is wrong: `SECURITY_DECRYPTION`',
    'sessions',
  ],
  ['E2', 'Asking for the padding of CBC', 'one answer, one path', 'sessions'],
  ['E3', 'Asking for the padding of OAEP', 'one answer, one path', secretKey],
  ['E4', 'Short tags and vectors of GCM', '128 bits, 96 bits: `SECURITY_DECRYPTION`', 'sessions'],
  ['E5', 'Wrapped keys of odd sizes', '`SECURITY_DECRYPTION`', secretKey],
  ['E6', 'Faults that tell what was decrypted', 'one fault of equal octets', 'sessions'],
  [
    'E7',
    'Keys that lead to keys without end',
    'counted and two deep: `SECURITY_LIMIT`, `SECURITY_UNSUPPORTED`, `SECURITY_DECRYPTION`',
    'sessions',
  ],
  [
    'E8',
    'Lists of thousands of parts, or of one part many times',
    '`SECURITY_LIMIT`, `SECURITY_REFERENCE`',
    'sessions',
  ],
  ['E9', 'Ciphertext that is somewhere else', 'never fetched: `SECURITY_DECRYPTION`', 'sessions'],
  [
    'E10',
    'Plaintext that brings ids, headers or security of its own',
    'ids are unique again, nothing of it is processed: `SECURITY_DUPLICATE_ID`, `SECURITY_UNSUPPORTED`',
    { ours: 'the plaintext has to be signed by who encrypts it' },
  ],
  ['E11', 'Encryption without a signature', '`SECURITY_UNSIGNED`; such a policy cannot be made', 'sessions'],
  [
    'E12',
    'A message for one is encrypted for another',
    'the signed To, held to `addresses`; keys of another context are refused',
    'sessions',
  ],
  [
    'E13',
    'Derived keys of enormous size or number',
    '`SECURITY_LIMIT`, `SECURITY_MALFORMED`, `SECURITY_TOKEN`',
    'sessions',
  ],
  ['E14', 'Millions of rounds for a password', 'limited before the first: `SECURITY_LIMIT`', noPasswords],
  [
    'E15',
    'Guessing a password by what its key has signed, or by the digest of a token that shows it',
    'TLS or encryption, unless that is given up by an unsafe name: `SECURITY_TRANSPORT`, `SECURITY_POLICY`; the signature over an encrypted token is encrypted, or the token has a nonce',
    noPasswords,
  ],
  // Freshness
  ['R1', 'The same message once more', '`SECURITY_REPLAY`, later `SECURITY_TIMESTAMP_EXPIRED`', 'signed'],
  ['R2', 'The same value in another spelling', 'the octets are remembered: `SECURITY_REPLAY`', 'signed'],
  ['R3', 'Copies at the same time', 'looked up and remembered in one step', 'signed'],
  ['R4', 'The cache is flooded', 'it refuses what is new: `SECURITY_REPLAY_FULL`', 'sessions'],
  [
    'R5',
    'Times that are missing, wrong, too long or in the future',
    '`SECURITY_TIMESTAMP_INVALID`, `SECURITY_TIMESTAMP_LIFETIME`, `SECURITY_TIMESTAMP_FUTURE`, `SECURITY_TIMESTAMP_MISSING`',
    'signed',
  ],
  ['R6', 'The same message at another node', 'one cache for all nodes: `SECURITY_REPLAY`', 'sessions'],
  ['R7', 'An answer is sent back as a request', 'each end has its own key and its own role: refused', 'answers'],
  [
    'R8',
    'The answer to another request',
    'RelatesTo, and SignatureConfirmation where it is asked for: `CHANNEL_CORRELATION`, `SECURITY_CONFIRMATION`',
    'answers',
  ],
  [
    'R9',
    'CreateSequence or TerminateSequence once more',
    '`SECURITY_REPLAY`; the same request is the same sequence',
    'sessions',
  ],
  ['R10', 'A message under a context that is over', 'BadContextToken: `SECURITY_CONTEXT`', 'sessions'],
  ['R11', 'The request for a context once more', '`SECURITY_REPLAY`; the key is never the same', 'sessions'],
  ['R12', 'A bearer token once more', 'remembered where it is for one use: `SECURITY_REPLAY`', noSaml],
  // Reliable messaging
  [
    'M1',
    'The number, the sequence or the Body of a number is changed',
    'one signature covers all of them: `SECURITY_DIGEST`, `SECURITY_DECRYPTION`',
    'signed',
  ],
  [
    'M2',
    'Somebody else sends the next number',
    'the answer for a sequence that never was: UnknownSequence',
    'reliable',
  ],
  ['M3', 'Somebody else closes or terminates the sequence', 'UnknownSequence', 'reliable'],
  [
    'M4',
    'Acknowledgements that are forged, or of what was never sent',
    '`SECURITY_DIGEST`, `SECURITY_UNSIGNED`; of the peer itself: InvalidAcknowledgement',
    'sessions',
  ],
  [
    'M5',
    'A forged SequenceTerminated',
    'an unsigned fault is a hint: `SECURITY_MISSING`, `SECURITY_UNSECURED_FAULT`',
    'sessions',
  ],
  ['M6', 'Thousands of ranges', '128 are read; the window lets in no more', 'sessions'],
  [
    'M7',
    'Numbers that are none, or huge',
    'a Sender fault, MessageNumberRollover, or dropped and not acknowledged',
    'reliable',
  ],
  [
    'M8',
    'A gap with large messages behind it',
    'octets and messages are counted; what is too much is dropped',
    'reliable',
  ],
  ['M9', 'Sequences without end', 'CreateSequenceRefused, and others go on', 'reliable'],
  [
    'M10',
    'Identifiers that are guessed or taken',
    '122 random bits; an offer of one that is there: CreateSequenceRefused',
    'reliable',
  ],
  ['M11', 'CreateSequence twice', 'one sequence', 'reliable'],
  ['M12', 'Asking for acknowledgements without end', 'one answer each, on the same exchange', 'sessions'],
  ['M13', 'Asking again for messages without end', 'once in a round trip, and only what was sent', 'sessions'],
  [
    'M14',
    'Answers are lost so that we send again and again',
    'ever more rarely, and not for ever: `RELIABLE_RETRIES_EXHAUSTED`',
    initiator,
  ],
  [
    'M15',
    'AcksTo, ReplyTo and offers that lead elsewhere',
    'nobody is dialled; refused unless the host is listed',
    'reliable',
  ],
  ['M16', 'Fetching what waits for another', 'nothing is there, for whoever else asks', noMc],
  ['M17', 'Questions that are held without end', 'counted for each identity', noMc],
  ['M18', 'Another spelling of an address', 'octet for octet', noMc],
  ['M19', 'A foreign acknowledgement rides on a message', 'passed over; the message counts', 'sessions'],
  [
    'M20',
    'A final acknowledgement that takes something back',
    'InvalidAcknowledgement: `RELIABLE_INVALID_ACKNOWLEDGEMENT`',
    initiator,
  ],
  ['M21', 'Going on after the end', 'SequenceClosed, LastMessageNumberExceeded', 'reliable'],
  ['M22', 'Something else under the same number', 'the first counts', 'reliable'],
  ['M23', 'Sequence blocks of two versions', 'a Sender fault', 'reliable'],
  ['M24', 'Two acknowledgements of one sequence', 'InvalidAcknowledgement', 'sessions'],
  [
    'M25',
    'A crash between the work and its acknowledgement',
    'acknowledged after the commit; what was acknowledged is there',
    process,
  ],
  ['M26', 'A message that nobody can take', 'a fault with a number of its own; the others go on', 'reliable'],
  ['M27', 'Sequences for ever, or for less than no time', 'shortened, or CreateSequenceRefused', 'reliable'],
  ['M28', 'The peer wishes that everything is thrown away', 'what is answered is our own setting', 'reliable'],
  ['M29', 'The binding of a sequence to its token is left out, or is to another', 'CreateSequenceRefused', 'sessions'],
  [
    'M30',
    'Renewing or cancelling the context of another',
    'UnableToRenew, RequestFailed',
    { ours: 'the recorded contexts are renewed by nobody' },
  ],
  ['M31', 'A message of the other direction comes back', 'its sequence is not one to send on', 'reliable'],
  ['M32', 'Names that break tables', 'tables are Maps: UnknownSequence', 'reliable'],
  // Addressing and SOAP
  [
    'A1',
    'The HTTP header says another action than the message',
    '`SOAP_ACTION_MISMATCH`; in the message: `SECURITY_DIGEST`',
    'reliable',
  ],
  [
    'A2',
    'Answers and faults for somebody else',
    '`SECURITY_DIGEST`, `SECURITY_UNSIGNED`; of the peer itself see M15',
    'signed',
  ],
  [
    'A3',
    'Reference parameters that are headers of a protocol, or hundreds',
    'InvalidAddressingHeader; `SOAP_ENVELOPE`',
    'reliable',
  ],
  ['A4', 'An answer that relates to something else', '`CHANNEL_CORRELATION`', 'answers'],
  ['A5', 'An addressing header twice', 'InvalidAddressingHeader', 'reliable'],
  ['A6', 'A MessageID that was there before', 'the number counts, and each is executed once', 'reliable'],
  [
    'A7',
    'Mandatory headers that nobody signed, or are made optional',
    'MustUnderstand: `SECURITY_NOT_UNDERSTOOD`; `SECURITY_DIGEST`',
    'signed',
  ],
  ['A8', 'Two versions of SOAP', '`SOAP_VERSION`; InvalidSecurity', 'signed'],
  ['A9', 'Envelopes that parsers read otherwise', '`SOAP_ENVELOPE`', 'signed'],
  ['A10', 'xsi:type, href and encodings that would make something', 'ignored: nothing is made of them', 'signed'],
  [
    'A11',
    'A WSDL that leads elsewhere',
    'its own origin, no redirections, limits: `METADATA_IMPORT`',
    { ours: 'metadata is no signed message' },
  ],
  // Policy and trust
  [
    'P1',
    'A weaker policy in the WSDL',
    'not chosen by itself; plain HTTP is refused',
    { ours: 'metadata is no signed message' },
  ],
  ['P2', 'A message of two alternatives', 'one policy, all of it: `SECURITY_DECRYPTION`', 'sessions'],
  [
    'P3',
    'What a supporting token has to be protected by is passed over',
    'required like any other part: `SECURITY_UNSIGNED`, `SECURITY_UNENCRYPTED`',
    noPasswords,
  ],
  [
    'P4',
    'The client takes answers that are not secured',
    'the same policy both ways: `SECURITY_MISSING`, `SECURITY_UNSIGNED`, `SECURITY_UNENCRYPTED`',
    'answers',
  ],
  [
    'P5',
    'An unsecured fault in the place of the answer',
    'a hint for the caller: `SECURITY_UNSECURED_FAULT`',
    'answers',
  ],
  [
    'P6',
    'A token for one service, used at another or by another',
    '`SECURITY_TOKEN_INVALID`, `SECURITY_TOKEN_CONFIRMATION`',
    noSts,
  ],
  ['P7', 'Keys in the clear', 'no key without TLS or encryption', noSts],
  ['P8', 'Keys and entropy of absurd size', '128 to 512 bits', noSts],
  ['P9', 'Tokens for years', 'shortened', noSts],
  ['P10', 'Requests for contexts without end', 'authenticated first, and counted: ServerTooBusy', 'sessions'],
  [
    'P11',
    'A sealed context is changed',
    'sealed and authenticated: BadContextToken',
    { ours: 'sealed contexts are our own tokens' },
  ],
  ['P12', 'Negotiations without end', 'one leg: `CONVERSATION_UNSUPPORTED`', 'sessions'],
  ['P13', 'TLS ends before the service', '`SECURITY_TRANSPORT`', 'sessions'],
  // Parser and resources
  ['D1', 'Document types and entities', '`XML_DTD`, `XML_MALFORMED`', 'signed'],
  ['D2', 'References to characters by the ten thousand', 'linear', 'signed'],
  ['D3', 'Elements in elements without end', '`XML_LIMIT`', 'signed'],
  ['D4', 'Attributes and elements without number', '`XML_LIMIT`', 'signed'],
  ['D5', 'Long prefixes and namespace names', '`XML_LIMIT`', 'signed'],
  ['D6', 'Names that collide or break tables', 'Maps, and numbers for names', 'signed'],
  ['D7', 'Messages that are too large, or never end', '`TRANSPORT_OVERSIZE`, `TRANSPORT_TIMEOUT`', process],
  ['D8', 'Compressed messages', '415: compression is not spoken', process],
  ['D9', 'Signatures, tokens, references and transforms without number', '`SECURITY_LIMIT`', 'signed'],
  ['D10', 'Transforms that run programs', 'not there: `SECURITY_ALGORITHM`', 'peers themselves'],
  [
    'D11',
    'References to files and hosts',
    'ids of this document only: `SECURITY_REFERENCE`, `SECURITY_TOKEN`',
    'peers themselves',
  ],
  ['D12', 'Manifests', '`SECURITY_MALFORMED`', 'signed'],
  ['D13', 'Attachments without number', '415: attachments are not spoken: `SOAP_CONTENT_TYPE`', 'signed'],
  [
    'D14',
    'Texts that regular expressions choke on',
    'linear: `SECURITY_TIMESTAMP_INVALID`, `SECURITY_MALFORMED`',
    'signed',
  ],
  ['D15', 'Encodings that are not what they say', 'UTF-8, UTF-16 by declaration: `XML_ENCODING`', 'signed'],
  ['D16', 'Messages that keep the process from everything else', 'linear work under limits of size', process],
  ['D17', 'Texts of the other side in logs', 'short and printable', process],
  ['D18', 'Errors that tell of the inside', 'a fault has the one sentence of the specification', 'signed'],
  ['D19', 'Tables that grow for whoever asks', 'each has an end', noSts],
  ['D20', 'Requests hidden in requests', "Node's strict parser: 400", process],
  ['D21', 'Ids and prefixes that are looked up again and again', 'indexed once: linear', 'signed'],
];

export const attackRows: readonly AttackRow[] = rows.map(([id, attack, does, whose]) => ({ id, attack, does, whose }));
