/** What goes together and what does not: WCF's rules of consistency, each refusal with what to use in its place. */
import { describe, expect, test } from 'vitest';
import {
  basicHttp,
  netHttp,
  netHttps,
  ws2007FederationHttp,
  ws2007Http,
  wsDualHttp,
  wsHttp,
} from '../../src/binding/bindings.ts';
import { type CustomElement, customBinding } from '../../src/binding/custom.ts';
import { BindingError } from '../../src/binding/errors.ts';
import { authenticationModes } from '../../src/binding/modes.ts';
import { modesOfCredential } from '../../src/binding/names.ts';
import {
  messageSecurity,
  noSecurity,
  transportSecurity,
  transportWithMessageCredential,
} from '../../src/binding/security.ts';
import { unsafeSuiteSha1 } from '../../src/security/algorithm-suites.ts';

const username = { user: 'alice', password: 'secret', form: 'text' } as const;
const passwordOverTls = transportWithMessageCredential({
  clientCredentialType: 'UserName',
  establishSecurityContext: false,
  username,
});

function refused(make: () => unknown): BindingError {
  try {
    make();
  } catch (thrown) {
    if (thrown instanceof BindingError) return thrown;
    throw thrown;
  }
  throw new Error('It was not refused.');
}

describe('reliable sessions', () => {
  test('over Transport alone need a custom binding (R1.5.4), and the custom binding is there', () => {
    const over = { security: transportSecurity({ clientCredentialType: 'None' }), reliableSession: true };
    for (const make of [wsHttp, ws2007Http]) {
      const { code, message } = refused(() => make(over));
      expect(code).toBe('BINDING_RULE');
      expect(message).toMatch(/TLS does not bind.*transportWithMessageCredential.*customBinding/);
    }
    const { description, elements } = customBinding([{ kind: 'reliableSession' }, { kind: 'httpsTransport' }]);
    expect(elements.map(({ name }) => name)).toEqual(['exchange', 'reliableSession']);
    expect(description).toMatchObject({ transport: { tls: true }, reliableSession: { version: { name: '2005/02' } } });
  });

  test('with message credentials need a security context (R1.4.4)', () => {
    const { code, message } = refused(() => ws2007Http({ security: passwordOverTls, reliableSession: true }));
    expect(code).toBe('BINDING_RULE');
    expect(message).toMatch(/security context.*Leave establishSecurityContext on/);
    const net = transportWithMessageCredential({ clientCredentialType: 'UserName', username });
    expect(refused(() => netHttps({ security: net, reliableSession: true, messageEncoding: 'Text' })).message).toMatch(
      /Use ws2007HttpBinding, or a customBinding/,
    );
  });

  test('are not in basicHttp, always in wsDualHttp, and need addressing', () => {
    expect(refused(() => basicHttp({ reliableSession: true })).code).toBe('BINDING_RULE');
    expect(refused(() => wsDualHttp({ reliableSession: { enabled: false }, security: noSecurity })).message).toMatch(
      /always/,
    );
    const plain: CustomElement[] = [
      { kind: 'reliableSession' },
      { kind: 'textMessageEncoding', addressing: 'none' },
      { kind: 'httpTransport' },
    ];
    expect(refused(() => customBinding(plain)).message).toMatch(/needs WS-Addressing/);
  });

  test('`false` and `enabled: false` are off', () => {
    for (const reliableSession of [false, { enabled: false }]) {
      expect(wsHttp({ security: noSecurity, reliableSession }).description.reliableSession).toBeUndefined();
    }
  });
});

describe('credentials', () => {
  test("WCF's default, Windows, is named and refused with what to use", () => {
    const { code, message } = refused(() =>
      ws2007Http({ security: messageSecurity({ establishSecurityContext: false }) }),
    );
    expect(code).toBe('BINDING_UNSUPPORTED');
    expect(message).toMatch(/SspiNegotiated is not spoken.*UserName, Certificate or IssuedToken/);
    expect(refused(() => wsHttp({ security: transportSecurity() })).message).toMatch(
      /Windows, the default of wsHttpBinding/,
    );
  });

  test('negotiation of the certificate is refused with the setting that goes without', () => {
    const security = messageSecurity({ clientCredentialType: 'UserName', establishSecurityContext: false, username });
    expect(refused(() => ws2007Http({ security })).message).toMatch(/negotiateServiceCredential: false/);
  });

  test('TransportWithMessageCredential without a credential is refused, as is a password in mode Message of basicHttp', () => {
    const nobody = transportWithMessageCredential({ clientCredentialType: 'None' });
    expect(refused(() => ws2007Http({ security: nobody })).message).toMatch(/without a credential/);
    const password = messageSecurity({ clientCredentialType: 'UserName', username });
    expect(refused(() => basicHttp({ security: password })).message).toMatch(/no password in mode Message/);
  });

  test('a credential that is missing is named', () => {
    const security = transportWithMessageCredential({
      clientCredentialType: 'UserName',
      establishSecurityContext: false,
    });
    const { code, message } = refused(() => ws2007Http({ security }));
    expect(code).toBe('BINDING_CREDENTIALS');
    expect(message).toMatch(/`username` \(client\) or `passwords` \(service\)/);
  });

  test('the suite that WCF takes by default is SHA-1, and wants to be asked for by name', () => {
    const trust = {
      known: [],
      accept: () => {
        throw new Error('nobody');
      },
    };
    const settings = { clientCredentialType: 'Certificate', establishSecurityContext: false, trust } as const;
    const make = (more: object) => ws2007Http({ security: transportWithMessageCredential({ ...settings, ...more }) });
    expect(refused(() => make({})).message).toMatch(/unsafeSuiteSha1.*algorithmSuite: 'Basic256Sha256'/);
    expect(make({ unsafe: [unsafeSuiteSha1] }).description.security?.suite).toBe('Basic256');
    expect(make({ algorithmSuite: 'Basic256Sha256' }).description.security?.suite).toBe('Basic256Sha256');
  });
});

describe('what cannot work says so', () => {
  test.each([
    ['binary encoding', () => netHttp(), /messageEncoding: 'Text'/],
    ['MTOM', () => basicHttp({ messageEncoding: 'Mtom' }), /messageEncoding: 'Text'/],
    [
      'passwords of HTTP in the clear',
      () => basicHttp({ security: { mode: 'TransportCredentialOnly', credentials: {} } }),
      /in the clear/,
    ],
  ])('%s', (_, make, says) => {
    const error = refused(make);
    expect(error.code).toBe('BINDING_UNSUPPORTED');
    expect(error.message).toMatch(says);
  });

  test('the default of wsDualHttp, whose Windows credential has to be another', () => {
    const { code, message } = refused(() => wsDualHttp());
    expect(code).toBe('BINDING_UNSUPPORTED');
    expect(message).toMatch(/SspiNegotiated is not spoken.*Use UserName, Certificate or IssuedToken/);
  });

  test('secrets of a question where both ends send unasked, and contexts over TLS where anybody can connect to the client', () => {
    const security = { kind: 'security', authenticationMode: 'AnonymousForCertificate' } as const;
    const dual = [{ kind: 'compositeDuplex' }, { kind: 'httpTransport' }] as const;
    const over = refused(() => customBinding([security, ...dual]));
    expect(over.code).toBe('BINDING_UNSUPPORTED');
    expect(over.message).toMatch(/over two connections both ends send unasked.*Use SecureConversation/);
    const context = {
      kind: 'security',
      authenticationMode: 'SecureConversation',
      secureConversationBootstrap: { authenticationMode: 'UserNameOverTransport' },
    } as const;
    const tls = refused(() => customBinding([context, { kind: 'compositeDuplex' }, { kind: 'httpsTransport' }]));
    expect(tls.code).toBe('BINDING_UNSUPPORTED');
    expect(tls.message).toMatch(/anybody can connect to the client.*or WebSocket/);
  });

  test.each(['UserNameOverTransport', 'CertificateOverTransport', 'IssuedTokenOverTransport'] as const)(
    '%s where anybody can connect to the client',
    (authenticationMode) => {
      const security = { kind: 'security', authenticationMode } as const;
      const over = refused(() => customBinding([security, { kind: 'compositeDuplex' }, { kind: 'httpsTransport' }]));
      expect(over.code).toBe('BINDING_UNSUPPORTED');
      expect(over.message).toMatch(/anybody can connect to the client.*or WebSocket/);
    },
  );

  test('a mode, encoding or credential that the binding does not have', () => {
    expect(refused(() => wsDualHttp({ security: transportSecurity() })).message).toMatch(/no security mode Transport/);
    expect(refused(() => wsHttp({ messageEncoding: 'Binary', security: noSecurity })).message).toMatch(
      /no encoding Binary/,
    );
    const wrong = transportWithMessageCredential({ clientCredentialType: 'UserName', username });
    expect(refused(() => ws2007FederationHttp({ security: wrong })).message).toMatch(/no message credential UserName/);
  });

  test('an address of another scheme than the mode promises', () => {
    const via = ws2007Http({ security: passwordOverTls });
    expect(() => via.transport.connect(new URL('http://127.0.0.1/'))).toThrow(/begin with https:/);
  });
});

describe('customBinding', () => {
  const https: CustomElement = { kind: 'httpsTransport' };
  test.each<[string, readonly CustomElement[], RegExp]>([
    ['no transport', [{ kind: 'reliableSession' }], /ends with its transport/],
    ['the order is wrong', [https, { kind: 'reliableSession' }], /stands too far in/],
    ['an element twice', [{ kind: 'httpTransport' }, https], /its place is taken/],
    [
      'a password without TLS',
      [{ kind: 'security', authenticationMode: 'UserNameOverTransport' }, { kind: 'httpTransport' }],
      /needs HTTPS/,
    ],
    [
      'a context without bootstrap',
      [{ kind: 'security', authenticationMode: 'SecureConversation' }, https],
      /needs a secureConversationBootstrap/,
    ],
    [
      'a context within a context',
      [
        {
          kind: 'security',
          authenticationMode: 'SecureConversation',
          secureConversationBootstrap: { authenticationMode: 'SecureConversation' },
        },
        https,
      ],
      /cannot be SecureConversation itself/,
    ],
  ])('%s', (_, elements, says) => {
    const error = refused(() => customBinding(elements));
    expect(error.code).toBe('BINDING_RULE');
    expect(error.message).toMatch(says);
  });
});

test('the modes of each credential (B2.6) are modes, of the binding that they say', () => {
  for (const { transport, negotiated, direct } of Object.values(modesOfCredential)) {
    if (transport !== undefined) expect(authenticationModes[transport].binding).toBe('transport');
    expect(authenticationModes[negotiated].instead).toBeDefined();
    expect(authenticationModes[direct].binding).toBe('symmetric');
  }
});
