/**
 * Faults in plain words: what the other end means, and what to do next. By the local name of the innermost code, and by words of
 * the reason where a stack says it no other way. Sources: WS-RM 1.1 section 4, WSS 1.1 section 12, WS-Addressing 1.0 SOAP binding
 * section 6, WS-SecureConversation 1.3 section 9, and what WCF, CXF and Metro write.
 */

interface Advice {
  readonly means: string;
  readonly next: string;
}

/** Words of a reason that say more than its code. */
const byReason: readonly (readonly [pattern: RegExp, advice: Advice])[] = [
  [
    /February 2005/i,
    {
      means: 'The endpoint speaks WS-ReliableMessaging 1.0 (2005/02) only.',
      next: 'Use `--rm 1.0`, or reliableSession({ version: reliable200502 }).',
    },
  ],
  [
    /WS-ReliableMessaging 1\.1|200702/i,
    {
      means: 'The endpoint speaks WS-ReliableMessaging 1.1 (200702) only.',
      next: 'Use `--rm 1.1`, or reliableSession({ version: reliable200702 }).',
    },
  ],
  [
    /AddressFilter mismatch/i,
    {
      means: 'WCF has no endpoint with the address that wsa:To names; often a proxy changed host, port or scheme.',
      next: 'Send to the address that the service lists in its WSDL, or give `exchange` that address as `to`.',
    },
  ],
  [
    /ContractFilter mismatch/i,
    {
      means: 'WCF knows no operation with this action at that endpoint.',
      next: 'Compare wsa:Action with the WSDL, and SOAP and addressing versions with the binding.',
    },
  ],
  [
    /clock skew|timestamp|expired|not yet valid/i,
    {
      means: 'The other end thinks that the message is too old, or from the future.',
      next: 'Compare the clocks of both machines (`surewire doctor URL` shows the difference) and synchronize them.',
    },
  ],
];

const byCode: ReadonlyMap<string, Advice> = new Map(
  Object.entries({
    CreateSequenceRefused: {
      means: 'The endpoint does not open a reliable session now: it has too many, or does not like what was offered.',
      next: 'Try again later; else compare version, Offer and security token with its policy.',
    },
    UnknownSequence: {
      means: 'The endpoint does not know this sequence: it restarted, timed it out, or another node has it.',
      next: 'Open a new session. Keep sequences in a shared store where several nodes serve one address.',
    },
    SequenceTerminated: {
      means: 'The endpoint ended the sequence because of an error, or because nothing was heard for too long.',
      next: 'Read its reason and its log; open a new session. Raise inactivityTimeout where pauses are normal.',
    },
    SequenceClosed: {
      means: 'The sequence takes no new messages any more.',
      next: 'Open a new session; what was acknowledged before is safe.',
    },
    InvalidAcknowledgement: {
      means: 'The endpoint was told of messages received that it never sent.',
      next: 'Report this with a transcript: one of the ends counts wrongly, or somebody forges acknowledgements.',
    },
    MessageNumberRollover: {
      means: 'The sequence has used up its message numbers.',
      next: 'Open a new session.',
    },
    LastMessageNumberExceeded: {
      means: 'A message has a higher number than the one that was announced as the last.',
      next: 'Open a new session, and report this with a transcript.',
    },
    WSRMRequired: {
      means: 'The endpoint takes messages of a reliable session only.',
      next: 'Put reliableSession() into the binding.',
    },
    WsrmRequired: {
      means: 'The endpoint takes messages of a reliable session only.',
      next: 'Put reliableSession() into the binding.',
    },
    InvalidSecurity: {
      means: 'The endpoint refuses the Security header: by its rules nobody says which part.',
      next: 'Compare tokens, signed parts, suite and layout with its policy; the log of the service knows the reason.',
    },
    InvalidSecurityToken: {
      means: 'The endpoint does not take the certificate or token.',
      next: 'Check that it trusts the issuer, that the certificate is valid and not revoked, and its key usage.',
    },
    FailedAuthentication: {
      means: 'User name and password, or the token, are not accepted.',
      next: 'Check both, and whether text or digest of the password is asked for.',
    },
    FailedCheck: {
      means: 'A signature or a decryption failed at the endpoint.',
      next: 'Check that nothing between the ends changes messages, and that both use the same certificates and suite.',
    },
    SecurityTokenUnavailable: {
      means: 'The endpoint cannot find a token that the message refers to.',
      next: 'Include the certificate in the message, or give the endpoint the one that it is referred to.',
    },
    UnsupportedAlgorithm: {
      means: 'The endpoint does not take an algorithm that was used.',
      next: 'Name the suite of its policy.',
    },
    MessageExpired: {
      means: 'The endpoint thinks that the message is too old.',
      next: 'Compare the clocks of both machines and synchronize them.',
    },
    BadContextToken: {
      means: 'The security context of the session is not known or no longer good there.',
      next: 'Open a new session; the service may have restarted.',
    },
    RenewNeeded: {
      means: 'The security context is about to end, or has ended.',
      next: 'Renew it or open a new session; compare clocks if it is new.',
    },
    SecuritySessionAborted: {
      means: 'WCF has ended the security session: it restarted, or was inactive for too long.',
      next: 'Open a new session.',
    },
    ActionNotSupported: {
      means: 'The endpoint knows nothing of this action.',
      next: 'Compare wsa:Action, the version of WS-ReliableMessaging and the address with its WSDL.',
    },
    DestinationUnreachable: {
      means: 'Behind the address there is no endpoint for wsa:To.',
      next: 'Use the address that the service lists in its WSDL.',
    },
    EndpointUnavailable: {
      means: 'The endpoint is too busy now.',
      next: 'Try again later.',
    },
    MustUnderstand: {
      means:
        'The endpoint does not understand a header that it must; often WS-ReliableMessaging or WS-Security is not configured there.',
      next: 'Compare the layers of the binding with its policy.',
    },
    VersionMismatch: {
      means: 'The endpoint speaks another version of SOAP.',
      next: 'Use `--soap 1.1` or `--soap 1.2`.',
    },
  }),
);

/** What a fault means and what to do next; absent where it is only the application's. */
export function adviceFor(code: string, reason: string): Advice | undefined {
  return byReason.find(([pattern]) => pattern.test(reason))?.[1] ?? byCode.get(code);
}
