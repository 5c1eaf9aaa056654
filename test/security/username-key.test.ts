/** Keys derived of passwords in policies: who is proven, what is hidden, and that no password travels. */
import { beforeAll, describe, expect, test } from 'vitest';
import { evidence, identityOf } from '../../src/security/evidence.ts';
import { type SecurityPolicy, unsafePasswordKeys } from '../../src/security/policy.ts';
import {
  usernameKeyForCertificate,
  usernameKeyOverTransport,
  usernameKeySigned,
} from '../../src/security/presets/username-key.ts';
import { type Issued, issue } from './pki.ts';
import { type Pki, pki } from './rig.ts';
import { talk } from './talk.ts';

let all: Pki;
let bob: Issued;
beforeAll(async () => {
  all = await pki();
  bob = await issue({ name: 'bob', kind: 'rsa' }, all.root);
});

const username = { user: 'alice', password: 'correct horse' };
const passwords = { password: async (user: string) => (user === 'alice' ? 'correct horse' : undefined) };
const unsafe = [unsafePasswordKeys] as const;
const tls = { secure: true };

const ways: readonly (readonly [
  string,
  () => readonly [SecurityPolicy, SecurityPolicy],
  { readonly secure: boolean },
])[] = [
  ['over TLS', () => [usernameKeyOverTransport({ username }), usernameKeyOverTransport({ passwords })], tls],
  [
    'for a certificate',
    () => [
      usernameKeyForCertificate({ username: () => username, peer: bob.certificate }),
      usernameKeyForCertificate({ passwords, key: bob.key() }),
    ],
    { secure: false },
  ],
  [
    'signed, without TLS',
    () => [usernameKeySigned({ username, unsafe, rounds: 3_000 }), usernameKeySigned({ passwords, unsafe })],
    { secure: false },
  ],
];

describe.each(ways)('%s', (_, ends, from) => {
  test('the key of the password says who it is, and the reply comes back', async () => {
    const [client, service] = ends();
    const between = talk(client, service, {}, from);
    const reply = await between.ask();
    const [heard] = between.heard;
    expect(heard && identityOf(heard)).toBe('username:alice');
    expect(heard?.get(evidence)).toMatchObject({ user: { kind: 'username', name: 'alice' } });
    expect(reply?.message.body.toString()).toContain('the answer');
    expect(between.wire.join('')).not.toContain('correct horse');
    expect(JSON.stringify([client, service])).not.toContain('correct horse');
  });

  test('a wrong password and an unknown user fail alike', async () => {
    const [, service] = ends();
    for (const wrong of [
      { user: 'alice', password: 'wrong' },
      { user: 'mallory', password: 'correct horse' },
    ]) {
      const [client] = [
        usernameKeyOverTransport({ username: wrong }),
        usernameKeyForCertificate({ username: wrong, peer: bob.certificate }),
        usernameKeySigned({ username: wrong, unsafe }),
      ].filter(({ name }) => name === service.name);
      if (client === undefined) throw new Error('no such preset');
      const between = talk(client, service, {}, from);
      await expect(between.ask()).rejects.toMatchObject({ code: 'SECURITY_UNSECURED_FAULT' });
      expect(between.heard).toHaveLength(0);
    }
  });
});

test('for a certificate, the user and the signature under the password are seen by nobody', async () => {
  const { wire, ask } = talk(
    usernameKeyForCertificate({ username, peer: bob.certificate }),
    usernameKeyForCertificate({ passwords, key: bob.key() }),
  );
  await ask();
  expect(wire[0]).not.toContain('alice');
  expect(wire[0]).not.toContain('SignatureValue');
});

test('the reply is signed with the key of its request, and brings no token', async () => {
  const { wire, ask } = talk(usernameKeySigned({ username, unsafe }), usernameKeySigned({ passwords, unsafe }));
  const reply = await ask();
  const id = /<wsse:UsernameToken [^>]*wsu:Id="([^"]*)"/.exec(wire[0] ?? '')?.[1];
  expect(wire[1]).not.toContain('UsernameToken ');
  expect(wire[1]).toContain(`<wsse:Reference URI="#${id}"`);
  expect(reply?.get(evidence)?.signer).toMatchObject({ identity: 'username:alice' });
});

test('E15 signatures under a password are hidden, or the policy says so by name', async () => {
  const peer = bob.certificate;
  const wrong = [
    () => usernameKeyOverTransport({}),
    () => usernameKeySigned({ passwords: { check: () => true } }),
    () => usernameKeySigned({ username, rounds: 999 }),
    () => usernameKeySigned({ username, rounds: 20_001 }),
    () => usernameKeyForCertificate({ username, peer, encryptSignature: false }),
  ];
  for (const one of wrong) expect(one).toThrow(expect.objectContaining({ code: 'SECURITY_POLICY' }));
  expect(usernameKeyForCertificate({ username, peer, encryptSignature: false, unsafe }).unsafe).toEqual([
    'unsafePasswordKeys',
  ]);
  expect(usernameKeySigned({ username, unsafe }).unsafe).toEqual(['unsafePasswordKeys']);
  const clear = talk(usernameKeySigned({ username }), usernameKeySigned({ passwords }));
  await expect(clear.ask()).rejects.toMatchObject({ code: 'SECURITY_UNSECURED_FAULT' });
});
