/**
 * What verification can find, by name. `unsound`: something is not as it has to be. `unchecked`: it could not be looked at, so
 * nothing is said for it. `note`: worth knowing, and no reason for doubt.
 */
export type Weight = 'unsound' | 'unchecked' | 'note';

/** Every finding with what it means. */
const kinds = {
  'transcript-chain-broken': ['unsound', 'A line was changed, taken out, put in or moved.'],
  'transcript-order': ['unsound', 'The numbers of the records do not follow one another.'],
  'transcript-time-backwards': ['unsound', 'A record is older than the one before it.'],
  'transcript-facts-differ': ['unsound', 'The facts in a record are not those of its octets.'],
  'transcript-evidence-differs': ['unsound', 'What security is said to have found is not what the octets show.'],
  'transcript-payload-changed': ['unsound', 'An encrypted payload is not what was encrypted.'],
  'transcript-line-torn': ['unchecked', 'A line cannot be read: a crash cut it, or something else was written there.'],
  'transcript-beginning-missing': ['unchecked', 'The first parts of the transcript are not here.'],
  'transcript-not-closed': ['note', 'The transcript has no end: it is being written, or a crash ended it.'],
  'source-unreadable': ['unchecked', 'A part of a foreign file cannot be read.'],
  'nothing-to-verify': ['unchecked', 'There is no message here.'],

  'message-unreadable': ['unchecked', 'The octets are no SOAP envelope.'],
  'message-not-recorded': ['unchecked', 'The octets were not recorded.'],
  'message-locked': ['unchecked', 'The octets are encrypted for a reader whose key was not given.'],
  'message-encrypted': ['unchecked', 'A part is encrypted, and no key that was given opens it.'],
  'message-struck': ['unchecked', 'A secret was struck out, so what covered it cannot be verified.'],
  'message-refused': ['note', 'Security refused the message when it arrived; it counts for nothing.'],
  'fault-unsigned': ['note', 'A fault without a signature, which proves nothing and changes nothing.'],
  'message-malformed': ['unsound', 'What the message says of addressing or sequences cannot be read.'],
  'security-malformed': ['unsound', 'The Security header or a signature has a shape that is not allowed.'],
  'security-unsupported': ['unchecked', 'A token or an algorithm that this verification does not know.'],
  'signature-missing': ['unsound', 'The message is not signed, and others of its conversation are.'],
  'signature-invalid': ['unsound', 'The signature value does not belong to what was signed and the key.'],
  'signature-digest-differs': ['unsound', 'A part was changed after it was signed.'],
  'signature-key-unknown': ['unchecked', 'The key of a signature is neither in the message nor given.'],
  'signature-weak': ['unchecked', 'A signature over SHA-1, or with a weak key: anybody may have made it.'],
  'engines-disagree': [
    'unsound',
    'Two engines come to different ends about a signature. This is an alarm, also for us.',
  ],
  'second-engine-silent': ['note', 'The second engine does not know what a signature uses, so it has no opinion.'],
  'certificate-untrusted': ['unsound', 'No path leads from the signer to an authority that was given.'],
  'certificate-expired': ['unsound', 'A certificate had expired when it signed.'],
  'certificate-not-yet-valid': ['unsound', 'A certificate was not valid yet when it signed.'],
  'certificate-revoked': ['unsound', 'A certificate is revoked.'],
  'certificate-revocation-unknown': ['unchecked', 'Whether a certificate was revoked is not known.'],
  'certificate-usage': ['unsound', 'A certificate is not meant for signatures.'],
  'trust-not-given': ['unchecked', 'Nobody said which authorities to believe.'],
  'coverage-moved': ['unsound', 'A signature covers an element that does not stand where it would count.'],
  'coverage-body': ['unsound', 'No signature covers the Body.'],
  'coverage-addressing': ['unsound', 'A WS-Addressing header is not covered.'],
  'coverage-reliable': ['unsound', 'A WS-ReliableMessaging header is not covered.'],
  'coverage-timestamp': ['unsound', 'The Timestamp is missing or not covered.'],
  'timestamp-outside': ['unsound', 'The message was recorded at a time when it was not good.'],

  'sequence-unsigned': ['unchecked', 'Nothing of the conversation is signed: it could be anybody.'],
  'sequence-left-to-transport': ['unchecked', 'Bodies were left to TLS, of which nothing can be verified afterwards.'],
  'sequence-beginning-missing': ['unchecked', 'There is no CreateSequence: whose sequence it is cannot be shown.'],
  'sequence-unfinished': ['unchecked', 'The sequence was not terminated here; what is missing may have come later.'],
  'sequence-unused': ['note', 'A sequence was created and never used; the answer to its creation was lost.'],
  'sequence-unacknowledged': ['unchecked', 'The sequence ended, and nobody said that all of it arrived.'],
  'sequence-gap': ['unsound', 'A message of the sequence is missing.'],
  'sequence-fork': ['unsound', 'Two different messages bear one number.'],
  'sequence-identity': [
    'unsound',
    'A message of the sequence is signed by somebody else than the one whose sequence it is.',
  ],
  'sequence-identity-unproven': ['unchecked', 'Nothing proves who a message of the sequence is from.'],
  'sequence-after-end': ['unsound', 'A new message came after the sequence was closed or terminated.'],
  'sequence-end-differs': ['unsound', 'Close or terminate name another last message than there is.'],
  'sequence-time-backwards': ['unsound', 'A message was made long before one with a lower number.'],
  'retransmission-differs': ['unsound', 'A message that was sent again is not the one that was sent.'],
  'acknowledgement-unseen': [
    'unsound',
    'A message is acknowledged that was not seen: taken out here, or acknowledged falsely.',
  ],
  'acknowledgement-shrunk': ['unsound', 'A later acknowledgement takes back what an earlier one said.'],
  'reply-unrelated': ['unsound', 'A reply relates to a message that was never asked.'],

  'receipt-invalid': ['unsound', 'A receipt is not what its issuer signed.'],
  'receipt-differs': ['unsound', 'A receipt speaks of other messages than those that are here.'],
  'receipt-issuer': ['unsound', 'A receipt is not from the one who took the sequence.'],
  'receipt-timestamp': ['unsound', 'The time stamp of a receipt does not fit it.'],
  'receipt-unmatched': ['unchecked', 'There is no message here that the receipt is about.'],
} as const;

export type FindingCode = keyof typeof kinds;

/** Weight and meaning of every finding; docs/VERIFY.md lists them. */
export const findingKinds: Readonly<Record<FindingCode, readonly [weight: Weight, meaning: string]>> =
  Object.freeze(kinds);

/** One thing that was found, and where. */
export interface Finding {
  readonly code: FindingCode;
  readonly weight: Weight;
  /** What exactly, one sentence. */
  readonly what: string;
  /** File, and record or line. */
  readonly where: string;
  /** The sequence that it is about. */
  readonly sequence?: string | undefined;
  readonly number?: number | undefined;
}

/** Findings that are kept; the rest is counted. */
export const mostFindings = 10_000;

export class Findings {
  readonly list: Finding[] = [];
  readonly #counts = new Map<FindingCode, number>();

  add(code: FindingCode, what: string, at: Omit<Finding, 'code' | 'weight' | 'what'>): void {
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1);
    if (this.list.length < mostFindings) this.list.push({ code, weight: findingKinds[code][0], what, ...at });
  }

  /** How often each was found, also beyond those that are kept. */
  get counts(): Readonly<Partial<Record<FindingCode, number>>> {
    return Object.fromEntries(this.#counts);
  }

  /** True when something of this weight was found. */
  has(weight: Weight): boolean {
    return [...this.#counts.keys()].some((code) => findingKinds[code][0] === weight);
  }
}
