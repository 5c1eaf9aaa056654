/** The system-provided bindings of WCF as functions: a row, the settings over it, and the credentials. */
import { assemble, type SystemBinding } from './assemble.ts';
import type { LocalReliableOptions, Surroundings } from './credentials.ts';
import { describe, type ReliableSettings, reliableSettingsOf, type SystemSettings } from './describe.ts';
import type { SystemBindingKind } from './names.ts';
import { bindingRows } from './rows.ts';

/** What every system-provided binding takes; defaults are WCF's. */
export interface BindingOptions
  extends Omit<SystemSettings, 'reliableSession' | 'webSocketTransportUsage'>,
    Surroundings {
  /** `true`, or settings: a reliable session. `store` and `label` let it survive a crash. */
  readonly reliableSession?: boolean | (ReliableSettings & LocalReliableOptions);
}

export interface NetHttpOptions extends BindingOptions, Pick<SystemSettings, 'webSocketTransportUsage'> {}

/**
 * SOAP 1.1 without addressing (WS-I Basic Profile 1.1), as ASMX services and most older stacks speak it. Default mode `None`.
 *
 * @throws BindingError `BINDING_RULE`, `BINDING_UNSUPPORTED`, `BINDING_CREDENTIALS`; SecurityError `SECURITY_POLICY`;
 *   ReliableError `RELIABLE_SETTING`; TransportError `TRANSPORT_KEY`. All bindings of this page throw these.
 */
export const basicHttp: (options?: BindingOptions) => SystemBinding = of('basicHttpBinding');

/** `basicHttp` over HTTPS. Default mode `Transport`. */
export const basicHttps: (options?: BindingOptions) => SystemBinding = of('basicHttpsBinding');

/** SOAP 1.2 with the protocols of February 2005: WS-RM 1.0, WS-Trust and WS-SecureConversation 2005/02. Default mode `Message`. */
export const wsHttp: (options?: BindingOptions) => SystemBinding = of('wsHttpBinding');

/**
 * SOAP 1.2 with the protocols of OASIS: WS-RM 1.1, WS-Trust and WS-SecureConversation 1.3. Default mode `Message`.
 *
 * @example
 * const via = ws2007Http({
 *   security: transportWithMessageCredential({ clientCredentialType: 'UserName', establishSecurityContext: false, username }),
 *   tls: { ca },
 * });
 */
export const ws2007Http: (options?: BindingOptions) => SystemBinding = of('ws2007HttpBinding');

/** Duplex over two HTTP connections, always a reliable session. Default mode `Message`. */
export const wsDualHttp: (options?: BindingOptions) => SystemBinding = of('wsDualHttpBinding');

/** `wsHttp` for tokens that a security token service issued. Default mode `Message`. */
export const wsFederationHttp: (options?: BindingOptions) => SystemBinding = of('wsFederationHttpBinding');

/** `ws2007Http` for tokens that a security token service issued. Default mode `Message`. */
export const ws2007FederationHttp: (options?: BindingOptions) => SystemBinding = of('ws2007FederationHttpBinding');

/**
 * SOAP 1.2 over HTTP, or over WebSocket with `webSocketTransportUsage: 'Always'`. Default mode `None`, default encoding Binary: say
 * `messageEncoding: 'Text'`.
 */
export const netHttp: (options?: NetHttpOptions) => SystemBinding = of('netHttpBinding');

/** `netHttp` over HTTPS or secure WebSocket. Default mode `Transport`. */
export const netHttps: (options?: NetHttpOptions) => SystemBinding = of('netHttpsBinding');

function of(kind: SystemBindingKind): (options?: NetHttpOptions) => SystemBinding {
  return (options = {}) => {
    const { reliableSession: given, ...settings } = options;
    const reliable = given === true ? {} : given === false ? undefined : given;
    const described = describe(bindingRows[kind], {
      ...settings,
      ...(reliable === undefined ? {} : { reliableSession: reliableSettingsOf(reliable) }),
    });
    return assemble(described, { ...settings.security?.credentials }, settings, reliable);
  };
}
