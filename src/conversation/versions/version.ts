/**
 * A version of WS-SecureConversation with the WS-Trust it is used with, as a row: what differs between 2005/02 and 1.3 (200512,
 * which 1.4 shares) is a value here, and the code that uses the row never asks which version it is.
 */
export interface ConversationVersion {
  readonly name: '2005/02' | '200512';
  /** Of SecurityContextToken and DerivedKeyToken. */
  readonly namespace: string;
  /** Of RequestSecurityToken and its response. */
  readonly trust: string;
  readonly actions: {
    readonly issue: string;
    readonly issueResponse: string;
    readonly renew: string;
    readonly renewResponse: string;
    readonly cancel: string;
    readonly cancelResponse: string;
    /** Claims that are added to a context (1.3, section 4). */
    readonly amend: string;
    readonly amendResponse: string;
  };
  /** To amend has none of its own: it is an exchange of the issuance binding. */
  readonly requestTypes: Readonly<Record<'issue' | 'renew' | 'cancel' | 'amend', string>>;
  /** ValueType of references to a SecurityContextToken, and TokenType in a request for one. */
  readonly tokenType: string;
  /** The computed key P_SHA1 over the entropy of both ends. */
  readonly computedKey: string;
  /** Type of a BinarySecret that is entropy. */
  readonly nonce: string;
  /** Whether answers stand in a RequestSecurityTokenResponseCollection. */
  readonly collection: boolean;
}

/** A row from its two namespaces; the actions are built alike in both versions, with `RSTR` in those of answers. */
export function conversationVersion(
  name: ConversationVersion['name'],
  namespace: string,
  trust: string,
  collection: boolean,
): ConversationVersion {
  return Object.freeze({
    name,
    namespace,
    trust,
    actions: Object.freeze({
      issue: `${trust}/RST/SCT`,
      issueResponse: `${trust}/RSTR/SCT`,
      renew: `${trust}/RST/SCT/Renew`,
      renewResponse: `${trust}/RSTR/SCT/Renew`,
      cancel: `${trust}/RST/SCT/Cancel`,
      cancelResponse: `${trust}/RSTR/SCT/Cancel`,
      amend: `${trust}/RST/SCT/Amend`,
      amendResponse: `${trust}/RSTR/SCT/Amend`,
    }),
    requestTypes: Object.freeze({
      issue: `${trust}/Issue`,
      renew: `${trust}/Renew`,
      cancel: `${trust}/Cancel`,
      amend: `${trust}/Issue`,
    }),
    tokenType: `${namespace}/sct`,
    computedKey: `${trust}/CK/PSHA1`,
    nonce: `${trust}/Nonce`,
    collection,
  });
}
