/**
 * The public face of surewire: every name here is promised, everything else is not. Grouped by room, outermost first.
 */

// audit: what went over a wire, recorded and read
export { AuditError, type AuditErrorCode } from './audit/errors.ts';
export type { SourceOptions } from './audit/import/piece.ts';
export { type Source, sourcesAt } from './audit/import/source.ts';
export type { ReceiptSummary, StoredReceipt } from './audit/receipt/check.ts';
export { type CollectingOptions, collecting, type IssuingOptions, issuing } from './audit/receipt/issuing.ts';
export { type ReadReceipt, type ReceiptClaims, readReceipt, writeReceipt } from './audit/receipt/receipt.ts';
export { requestTimestamp, type Timestamp, type TimestampOptions, verifyTimestamp } from './audit/receipt/timestamp.ts';
export type { Control, FactAcknowledgement, Facts } from './audit/transcript/facts.ts';
export {
  isTranscript,
  type LineTrouble,
  type ReadLine,
  readTranscript,
  transcriptFiles,
} from './audit/transcript/lines.ts';
export type { RecorderOptions } from './audit/transcript/options.ts';
export { type PayloadChoice, PayloadReader } from './audit/transcript/payload.ts';
export type {
  EndRecord,
  EvidenceRecord,
  HeaderRecord,
  MessageRecord,
  OutcomeRecord,
  Payload,
  TranscriptRecord,
  TransportFacts,
} from './audit/transcript/record.ts';
export { type Recorded, Recorder } from './audit/transcript/recorder.ts';
export { recorded, type TapOptions } from './audit/transcript/tap.ts';
export { type Finding, type FindingCode, findingKinds, type Weight } from './audit/verify/findings.ts';
export type { Verdict } from './audit/verify/group.ts';
export { sarif } from './audit/verify/sarif.ts';
export type { SequenceSummary } from './audit/verify/sequence.ts';
export { type Verification, type VerifyOptions, verify } from './audit/verify/verify.ts';
// base: errors, and time and chance as inputs
export { type Clock, type Instant, systemClock, type Timer, VirtualClock } from './base/clock.ts';
export type { DiagnosticEvent } from './base/diagnostics.ts';
export { hasCode, SurewireError } from './base/errors.ts';
export { type Random, seededRandom, systemRandom } from './base/random.ts';
// binding: the system-provided bindings of WCF
export type { SystemBinding } from './binding/assemble.ts';
export {
  type BindingOptions,
  basicHttp,
  basicHttps,
  type NetHttpOptions,
  netHttp,
  netHttps,
  ws2007FederationHttp,
  ws2007Http,
  wsDualHttp,
  wsFederationHttp,
  wsHttp,
} from './binding/bindings.ts';
export type { Credentials, LocalReliableOptions, Surroundings } from './binding/credentials.ts';
export { type CustomElement, type CustomOptions, customBinding, type SecuritySettings } from './binding/custom.ts';
export type { ReliableSettings } from './binding/describe.ts';
export type {
  BindingDescription,
  EncodingDescription,
  LimitsDescription,
  ReliableDescription,
  SecurityDescription,
  TransportDescription,
} from './binding/description.ts';
export { BindingError, type BindingErrorCode } from './binding/errors.ts';
export type {
  AuthenticationModeName,
  BindingKind,
  MessageCredentialType,
  SecurityMode,
  TransportCredentialType,
} from './binding/names.ts';
export {
  type BindingSecurity,
  type MessageSettings,
  messageSecurity,
  noSecurity,
  transportSecurity,
  transportWithMessageCredential,
} from './binding/security.ts';
export { type MessageSecurityVersion, messageSecurityVersions } from './binding/security-versions.ts';
// certificates: a PKI for development
export { developmentPki, type PkiOptions, type PkiResult } from './certificates/development-pki.ts';
export { CertificatesError, type CertificatesErrorCode } from './certificates/errors.ts';
export type { PkiEntry, PkiRevocationList } from './certificates/inspect.ts';
export { type PkiSettings, readPkiSettings } from './certificates/settings.ts';
// binding and channels: what everything is put together with
export { type Binding, binding, connect, listen } from './channel/binding.ts';
export { callbackChannel } from './channel/callback.ts';
export type { BindingElement, Channel, ChannelFactory, Place, Side } from './channel/channel.ts';
export { type ExchangeOptions, exchange, expectsReply } from './channel/correlation.ts';
export { type Carry, type ContextKey, contextKey, type Delivery, delivery } from './channel/delivery.ts';
export { ChannelError, type ChannelErrorCode } from './channel/errors.ts';
export { type Loopback, type LoopbackOptions, loopback } from './channel/loopback.ts';
export {
  type Fate,
  type Leg,
  Network,
  type NetworkCounts,
  type NetworkOptions,
  type Script,
} from './channel/network.ts';
export { type Session, session } from './channel/session.ts';
export { type Transform, transform } from './channel/transform.ts';
export {
  type Listener,
  type Peer,
  type Publication,
  type PublicDocument,
  type Published,
  peer,
  type Transport,
} from './channel/transport.ts';
export { compositeDuplex } from './connection/composite-duplex.ts';
// connection: duplex channels made of exchanges
export { ConnectionError, type ConnectionErrorCode } from './connection/errors.ts';
export { makeConnection } from './connection/make-connection.ts';
export type { CompositeDuplexOptions, MakeConnectionOptions } from './connection/settings.ts';
// conversation: a security context that is asked for once and secures what follows
export { type AmendOptions, amendContext } from './conversation/amendment.ts';
export { type RenewalPolicy, wcfRenewal } from './conversation/context.ts';
export { type ContextLimits, contextLimits } from './conversation/contexts.ts';
export { secureConversation } from './conversation/element.ts';
export { ConversationError, type ConversationErrorCode } from './conversation/errors.ts';
export type { SecureConversationOptions } from './conversation/settings.ts';
export { conversation200502 } from './conversation/versions/v200502.ts';
export { conversation200512 } from './conversation/versions/v200512.ts';
export type { ConversationVersion } from './conversation/versions/version.ts';
// metadata: bindings from what others say of themselves
export { type DocumentOptions, unsafeMetadataOverHttp } from './metadata/documents.ts';
export { MetadataError, type MetadataErrorCode } from './metadata/errors.ts';
export { bindingFromWsdl, type DescribedPort, describeWsdl, type WsdlOptions } from './metadata/import.ts';
export { type PublishOptions, publish } from './metadata/publish.ts';
export {
  bindingFromWcfConfig,
  type ConfiguredBinding,
  describeWcfConfig,
  type ImportedBinding,
  type ImportOptions,
} from './metadata/wcf/config.ts';
export type { Note } from './metadata/wcf/reader.ts';
// reliable: exactly once, in order, across failures
export { reliableSession } from './reliable/element.ts';
export { type Outcome, ReliableError, type ReliableErrorCode } from './reliable/errors.ts';
export type { DropReason, ReliableEvent, ResendCause } from './reliable/events.ts';
export { type OutcomeListener, onOutcome, type StoredOutcomes, storedOutcomes } from './reliable/outcomes.ts';
export { type Position, position } from './reliable/position.ts';
export type { SessionView, Statistics } from './reliable/session.ts';
export type { IdentifierUse, ReliableSessionOptions } from './reliable/settings.ts';
export type { Direction, SessionChange, SessionStore, StoredMessage, StoredSession } from './reliable/store.ts';
export { reliable200502 } from './reliable/versions/v200502.ts';
export { reliable200702 } from './reliable/versions/v200702.ts';
export type { ReliableVersion } from './reliable/versions/version.ts';
// security: who, which parts, with which algorithms
export {
  type AlgorithmSuite,
  type AlgorithmSuiteOptions,
  algorithmSuite,
  algorithmSuiteNames,
  type SuiteReading,
  type SuiteWeakness,
  unsafeSuiteRsa15,
  unsafeSuiteSha1,
  unsafeSuiteTripleDes,
} from './security/algorithm-suites.ts';
export { type Certificate, type CertificateSource, certificates } from './security/certificates.ts';
export { security } from './security/element.ts';
export { SecurityError, type SecurityErrorCode } from './security/errors.ts';
export {
  type AddedEvidence,
  anonymous,
  type Evidence,
  evidence,
  identityOf,
  type Part,
  type Signer,
} from './security/evidence.ts';
export { type ExternalKeyOptions, externalSigningKey } from './security/external-keys.ts';
export type { SecurityOptions } from './security/guard.ts';
export {
  type DecryptionKey,
  type SigningKey,
  type SigningKeyOptions,
  signingKey,
  signingKeyFromPkcs12,
} from './security/keys.ts';
export type { OcspOptions } from './security/ocsp.ts';
export {
  timestampOnly,
  type UnsafeOption,
  type UsernameOptions,
  unsafeKeepUnsigned,
  unsafePasswordKeys,
  unsafeSharedKey,
  unsafeUnsignedTo,
  unsafeWithoutTls,
  usernameOverTransport,
  type X509SignedOptions,
  x509Signed,
} from './security/policy.ts';
export type { EncryptedOptions, PeerOptions } from './security/presets/common.ts';
export {
  type DigikoppelingOptions,
  digikoppelingSigned,
  digikoppelingSignedEncrypted,
} from './security/presets/digikoppeling.ts';
export {
  type AnonymousForCertificateOptions,
  anonymousForCertificate,
  type ForCertificateOptions,
  type MutualCertificateOptions,
  mutualCertificate,
  type UserNameForCertificateOptions,
  userNameForCertificate,
} from './security/presets/for-certificate.ts';
export {
  type IssuedTokenForCertificateOptions,
  type IssuedTokenOptions,
  type IssuedTokenOverTransportOptions,
  issuedTokenForCertificate,
  issuedTokenOverTransport,
} from './security/presets/issued-token.ts';
export {
  type MutualCertificateWss10Options,
  mutualCertificateWss10,
} from './security/presets/mutual-certificate-wss10.ts';
export { type CertificateOverTransportOptions, certificateOverTransport } from './security/presets/over-transport.ts';
export {
  type UsernameKeyForCertificateOptions,
  type UsernameKeyOptions,
  type UsernameKeyOverTransportOptions,
  type UsernameKeySignedOptions,
  usernameKeyForCertificate,
  usernameKeyOverTransport,
  usernameKeySigned,
} from './security/presets/username-key.ts';
export type {
  IssuedAssertion,
  IssuedJwt,
  IssuedToken,
  Layout,
  ProtectionOrder,
  SecurityPolicy,
  TokenSource,
} from './security/protection.ts';
export { MemoryReplayCache, type ReplayCache } from './security/replay.ts';
export {
  type DigestAlgorithm,
  ecdsaSha256,
  ecdsaSha384,
  ecdsaSha512,
  ed25519,
  hmacSha256,
  hmacSha384,
  hmacSha512,
  rsaPssSha256,
  rsaPssSha384,
  rsaPssSha512,
  rsaSha256,
  rsaSha384,
  rsaSha512,
  type SignatureAlgorithm,
  sha256,
  sha384,
  sha512,
  unsafeHmacSha1,
  unsafeRsaSha1,
  unsafeSha1,
} from './security/suites.ts';
export { type Claims, unsafeAnyAudience } from './security/tokens/claims.ts';
export {
  type JwtAlgorithm,
  type JwtIssuer,
  type JwtRequirement,
  type JwtToken,
  readJwtToken,
  verifyJwt,
  writeJwtToken,
} from './security/tokens/jwt.ts';
export { type ConfirmationMethod, type SamlVersion, saml11, saml20 } from './security/tokens/saml.ts';
export { readAssertion, type SamlAssertion, type SubjectConfirmation } from './security/tokens/saml-assertion.ts';
export type { SamlIssuer, SamlRequirement } from './security/tokens/saml-conditions.ts';
export {
  admitAssertion,
  type Confirmation,
  type SamlToken,
  type SenderProof,
  validateAssertion,
} from './security/tokens/saml-validate.ts';
export { type AssertionDraft, type AssertionSigning, writeAssertion } from './security/tokens/saml-write.ts';
export type { PasswordCredentials, PasswordSource, UsernameCredentials } from './security/tokens/username.ts';
export {
  type ChainTrustOptions,
  type ExpectedPeer,
  type Trust,
  trustChain,
  trustPeers,
  trustPeersOrChain,
  unsafeTrustAnyone,
} from './security/trust.ts';
// service: typed contracts, clients and hosts
export { callbackClient } from './service/callback.ts';
export { type CallOptions, type Calls, type ClientOptions, client, type Life } from './service/client.ts';
export {
  type Contract,
  contract,
  type Operation,
  type OperationInit,
  type Operations,
  oneWay,
  type ReplyOf,
  type RequestOf,
  requestReply,
  type SessionMode,
} from './service/contract.ts';
export {
  type CallContext,
  type DispatcherOptions,
  dispatcher,
  type Implementation,
  type Service,
} from './service/dispatcher.ts';
export { OperationFault, ServiceError, type ServiceErrorCode } from './service/errors.ts';
export { type Endpoint, type Host, host } from './service/host.ts';
export {
  type Concurrency,
  type Create,
  type InstanceOptions,
  type InstanceStart,
  type Instances,
  oneInstance,
  perCall,
  perSession,
} from './service/instances.ts';
export {
  binary,
  boolean,
  decimal,
  document,
  type Field,
  integer,
  list,
  nothing,
  optional,
  type RecordOf,
  record,
  type Shape,
  text,
  type ValueOf,
} from './service/shape.ts';
export type { ThrottleOptions } from './service/throttle.ts';
// soap: messages, addressing, faults
export { type Addressing, addressingOf, type EndpointReference, withAddressing } from './soap/addressing.ts';
export { type AddressingVersion, addressing200408, addressing200508 } from './soap/addressing-versions.ts';
export { decode, type Encoded, encode } from './soap/codec.ts';
export { findHeader, findHeaders, header, type MessageInit, message, payload } from './soap/envelope.ts';
export { type FaultCode, type QualifiedName, SoapError, type SoapErrorCode } from './soap/errors.ts';
export { type Fault, FaultError, faultOf, faultReply } from './soap/fault.ts';
export type { HeaderBlock, Message } from './soap/message.ts';
export { type SoapVersion, soap11, soap12 } from './soap/version.ts';

// stores: what survives a crash
export { StoreError, type StoreErrorCode } from './stores/errors.ts';
export { type MemoryStoreOptions, memory } from './stores/memory.ts';
export type { PostgresStoreOptions, PostgresTls } from './stores/postgres/settings.ts';
export { postgres, type SharedStore } from './stores/postgres.ts';
export { type SqliteStoreOptions, sqlite } from './stores/sqlite.ts';
export { type SharedReplayCache, type SqliteReplayOptions, sqliteReplayCache } from './stores/sqlite-replay.ts';
// transport: HTTP and HTTPS, WebSocket
export { TransportError, type TransportErrorCode } from './transport/errors.ts';
export { type HttpHandler, type HttpHandlerOptions, httpHandler } from './transport/http/handler.ts';
export type {
  HttpClientOptions,
  HttpEndpointOptions,
  HttpListenerOptions,
  HttpMessageOptions,
  HttpTransportOptions,
} from './transport/http/settings.ts';
export { httpTransport } from './transport/http/transport.ts';
export type { ProxyOptions } from './transport/proxy.ts';
export type { Pem, TlsOptions } from './transport/tls.ts';
export type {
  WebSocketClientOptions,
  WebSocketListenerOptions,
  WebSocketTransportOptions,
} from './transport/websocket/settings.ts';
export { webSocketTransport } from './transport/websocket/transport.ts';
// trust: tokens of a security token service, asked for and issued
export {
  type IssueOptions,
  issuedTokens,
  type SecurityToken,
  type TokenClient,
  type TokenClientOptions,
  tokenClient,
} from './trust/client.ts';
export { TrustError, type TrustErrorCode } from './trust/errors.ts';
export type { TokenKind } from './trust/names.ts';
export type { ClaimWish, TokenRequest } from './trust/requests.ts';
export { tokenService } from './trust/service.ts';
export type { Delegation, RelyingParty, Requester, Subject, TokenServiceOptions } from './trust/settings.ts';
export { trust200502 } from './trust/versions/v200502.ts';
export { trust200512 } from './trust/versions/v200512.ts';
export type { KeyKind, TrustVersion } from './trust/versions/version.ts';
// xml: scanned once, canonical by construction
export { type CanonicalizeOptions, canonicalize } from './xml/canonicalize.ts';
export { type XmlAttribute, XmlDocument, XmlElement } from './xml/document.ts';
export { fromDom, toDom } from './xml/dom.ts';
export { XmlError, type XmlErrorCode } from './xml/errors.ts';
export { child, childrenOf, elementsById, onlyChild, requiredChild, simpleText } from './xml/find.ts';
export { XmlFragment } from './xml/fragment.ts';
export { type XmlLimits, xmlLimits } from './xml/limits.ts';
export { type Canonicalization, canonicalizations, exclusive } from './xml/methods.ts';
export { scan } from './xml/scan.ts';
export { select } from './xml/select.ts';
export { XmlWriter } from './xml/write.ts';
