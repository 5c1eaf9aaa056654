/** Attacks on messages under the key of a password: E14, K17, R8 (reflection), transplanted tokens. */
import { describe, expect, test } from 'vitest';
import { unsafePasswordKeys } from '../../src/security/policy.ts';
import { usernameKeyOverTransport, usernameKeySigned } from '../../src/security/presets/username-key.ts';
import { acceptor, secured } from '../security/rig.ts';
import { talk } from '../security/talk.ts';
import { cut, fault, receive, swap } from './support.ts';

const unsafe = [unsafePasswordKeys] as const;
const username = { user: 'alice', password: 'correct horse' };
const passwords = {
  password: (user: string) =>
    new Map([
      ['alice', 'correct horse'],
      ['mallory', 'mine'],
    ]).get(user),
};
const service = usernameKeySigned({ passwords, unsafe });

async function refused(octets: string): Promise<string | undefined> {
  const end = acceptor(service);
  const { answer, codes } = await receive(end, octets);
  expect(end.heard).toHaveLength(0);
  expect(answer?.replace('FailedAuthentication', 'InvalidSecurity')).toContain('InvalidSecurity');
  return codes[0];
}

const valid = async (user = username): Promise<string> =>
  new TextDecoder().decode(await secured(usernameKeySigned({ username: user, unsafe })));

describe('a message under the key of a password', () => {
  test('is accepted as it is', async () => {
    const end = acceptor(service);
    expect(await end.receive(await valid())).toBeUndefined();
    expect(end.heard).toHaveLength(1);
  });

  test.each([
    ['another name', '>alice<', '>mallory<', 'SECURITY_SIGNATURE'],
    ['E14 more rounds', '>1000<', '>1001<', 'SECURITY_SIGNATURE'],
    ['E14 too many rounds', '>1000<', '>2147483647<', 'SECURITY_LIMIT'],
    ['K17 the salt of another purpose', /(<wsse11:Salt[^>]*>)AQ?/, '$1Ag', 'SECURITY_MALFORMED'],
    ['another content', 'two of them', 'ten of them', 'SECURITY_DIGEST'],
  ])('%s', async (_, what, by, code) => {
    const octets = await valid();
    const changed = octets.replace(what, by);
    expect(changed).not.toBe(octets);
    expect(await refused(changed)).toBe(code);
  });

  test('K17 no token, two tokens, a token with a password, a token of somebody else', async () => {
    const octets = await valid();
    const token = cut(octets, 'wsse:UsernameToken');
    const other = cut(await valid({ user: 'mallory', password: 'mine' }), 'wsse:UsernameToken');
    expect(await refused(swap(octets, token, ''))).toBe('SECURITY_CREDENTIALS');
    expect(await refused(swap(octets, token, token + other.replace(/wsu:Id="[^"]*"/, 'wsu:Id="x"')))).toBe(
      'SECURITY_CREDENTIALS',
    );
    const password = '<wsse:Password>correct horse</wsse:Password>';
    const end = '</wsse:Username>';
    expect(await refused(swap(octets, token, swap(token, end, end + password)))).toBe('SECURITY_MALFORMED');
    const id = /wsu:Id="[^"]*"/.exec(token)?.[0] ?? '';
    expect(await refused(swap(octets, token, other.replace(/wsu:Id="[^"]*"/, id)))).toBe('SECURITY_SIGNATURE');
  });

  test('K1 a reference to anything else than the token leads to no key', async () => {
    const octets = await valid();
    const reference = /(<wsse:Reference URI=")#[^"]*/;
    const timestamp = /<wsu:Timestamp [^>]*wsu:Id="([^"]*)"/.exec(octets)?.[1];
    expect(await refused(octets.replace(reference, `$1#${timestamp}`))).toBe('SECURITY_TOKEN');
    expect(await refused(octets.replace(reference, '$1#nothing'))).toBe('SECURITY_TOKEN');
  });

  test('R1 the same message twice', async () => {
    const end = acceptor(service);
    const octets = await valid();
    await end.receive(octets);
    expect((await receive(end, octets)).codes).toEqual(['SECURITY_REPLAY']);
    expect(end.heard).toHaveLength(1);
  });

  test('R8 a reply is no request, also with the token that its key is derived of; a request is not its own reply', async () => {
    const between = talk(usernameKeySigned({ username, unsafe }), service);
    await between.ask();
    const [request = '', reply = ''] = between.wire;
    expect(await refused(reply)).toBe('SECURITY_CREDENTIALS');
    const token = cut(request, 'wsse:UsernameToken');
    expect(await refused(swap(reply, '</wsu:Timestamp>', `</wsu:Timestamp>${token}`))).toBe('SECURITY_UNSIGNED');
    let sent = '';
    const reflecting = talk(usernameKeySigned({ username, unsafe }), service, {
      request: (octets) => {
        sent = octets;
        return octets;
      },
      reply: () => sent,
    });
    await expect(reflecting.ask()).rejects.toMatchObject({ code: 'SECURITY_UNSUPPORTED' });
    const withoutToken = talk(usernameKeySigned({ username, unsafe }), service, {
      request: (octets) => {
        sent = octets;
        return octets;
      },
      reply: () => swap(sent, cut(sent, 'wsse:UsernameToken'), ''),
    });
    await expect(withoutToken.ask()).rejects.toMatchObject({ code: 'SECURITY_REFERENCE' });
  });

  test('a reply under the key of another request, or of another user', async () => {
    let first: string | undefined;
    const between = talk(usernameKeySigned({ username, unsafe }), service, {
      reply: (octets) => {
        first ??= octets;
        return first;
      },
    });
    await between.ask();
    await expect(between.ask()).rejects.toMatchObject({ code: 'SECURITY_TOKEN' });
  });
});

test('over TLS a stripped signature leaves nobody', async () => {
  const octets = new TextDecoder().decode(await secured(usernameKeyOverTransport({ username })));
  const end = acceptor(usernameKeyOverTransport({ passwords }));
  const { answer, codes } = await receive(
    { ...end, receive: (one) => end.receive(one, { secure: true }) },
    swap(octets, cut(octets, 'ds:Signature'), ''),
  );
  expect(answer).toBe(fault);
  expect(codes).toEqual(['SECURITY_UNSIGNED']);
  expect(end.heard).toHaveLength(0);
});
