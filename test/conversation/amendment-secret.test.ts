/** A password that is added to a security context: encrypted under the context, at message level and over TLS alike, or not believed. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { amendContext } from '../../src/conversation/amendment.ts';
import { Concealer } from '../../src/security/conceal.ts';
import { insideHeader } from '../../src/security/header.ts';
import { userNameForCertificate } from '../../src/security/presets/for-certificate.ts';
import type { SecurityPolicy } from '../../src/security/protection.ts';
import { pki } from '../security/rig.ts';
import { addedTo, bootstrapNamed, passwords } from './additions.ts';
import { Line } from './line.ts';
import { ask } from './rig.ts';

/** Policies in which the UsernameToken is encrypted, and the key for it a certificate's: of that, nothing is used here. */
const service = async (): Promise<SecurityPolicy> =>
  userNameForCertificate({ key: (await pki()).service.key(), passwords });
const client = async (form: 'text' | 'digest', password = 'third'): Promise<SecurityPolicy> =>
  userNameForCertificate({ peer: (await pki()).service.certificate, username: { user: 'carol', password, form } });

const isAmendment = (octets: string): boolean => octets.includes('/RST/SCT/Amend<');
const securityOf = (octets: string): string => /<wsse:Security[ >].*<\/wsse:Security>/s.exec(octets)?.[0] ?? '';
const count = (octets: string, what: string): number => octets.split(what).length - 1;

afterEach(() => {
  vi.restoreAllMocks();
});

describe.each([
  { level: 'over TLS', bootstrap: 'user name over TLS' },
  { level: 'at message level', bootstrap: 'mutual certificates' },
])('$level', ({ bootstrap }) => {
  const talking = async (): Promise<Line> => Line.of(bootstrapNamed(bootstrap), { amendment: await service() });

  test.each(['text', 'digest'] as const)(
    '%s: the token is encrypted for the context, with its signature',
    async (form) => {
      const line = await talking();
      const channel = await line.client();
      await amendContext(channel, await client(form));
      expect(await ask(channel, 'one')).toBe('re: one');
      expect(line.heard.map(addedTo)).toEqual([['username carol']]);
      const [amendment = '', ...more] = line.wire.filter(isAmendment);
      expect(more).toEqual([]);
      for (const secret of ['UsernameToken', 'Password', 'carol', 'third', '<ds:Signature']) {
        expect(amendment).not.toContain(secret);
      }
      // The UsernameToken and the signature; no key of a certificate.
      expect(count(securityOf(amendment), '<xenc:EncryptedData')).toBe(2);
      expect(amendment).not.toContain('EncryptedKey');
      expect(line.wire.join('\n')).not.toContain('third');
    },
  );

  test('a token whose ciphertext was changed, or that was taken out, adds nobody', async () => {
    const line = await talking();
    const channel = await line.client();
    const part = /<xenc:EncryptedData.*?<\/xenc:EncryptedData>/s;
    const changes: readonly ((header: string) => string)[] = [
      (header) =>
        header.replace(/(<xenc:CipherValue>.{24})(.)/s, (_, before, one) => before + (one === 'A' ? 'B' : 'A')),
      (header) => header.replace(part, ''),
    ];
    for (const change of changes) {
      line.change = (octets, way) =>
        way === 'request' && isAmendment(octets) ? octets.replace(securityOf(octets), change) : octets;
      const refused = amendContext(channel, await client('text'));
      await expect(refused).rejects.toMatchObject({ code: 'SECURITY_UNSECURED_FAULT' });
    }
    line.change = (octets) => octets;
    expect(await ask(channel, 'one')).toBe('re: one');
    expect(line.heard.map(addedTo)).toEqual([[]]);
    await amendContext(channel, await client('text'));
    await ask(channel, 'two');
    expect(line.heard.map(addedTo)).toEqual([[], ['username carol']]);
  });

  test.each(['text', 'digest'] as const)(
    'P3 a token in the clear (%s) is not believed, though the password is right and the context has signed it',
    async (form) => {
      const line = await talking();
      const channel = await line.client();
      await ask(channel, 'one');
      const encrypt = Concealer.prototype.element;
      vi.spyOn(Concealer.prototype, 'element').mockImplementation(function (this: Concealer, part) {
        return part.toString().startsWith('<wsse:UsernameToken') ? [insideHeader(part)] : encrypt.call(this, part);
      });
      const refused = amendContext(channel, await client(form));
      await expect(refused).rejects.toMatchObject({ code: 'SECURITY_UNSECURED_FAULT' });
      vi.restoreAllMocks();
      expect(line.wire.filter(isAmendment).map((octets) => count(octets, '</wsse:UsernameToken>'))).toEqual([1, 1]);
      await ask(channel, 'two');
      expect(line.heard.map(addedTo)).toEqual([[], []]);
    },
  );

  test('a wrong password is refused', async () => {
    const line = await talking();
    const channel = await line.client();
    const refused = amendContext(channel, await client('text', 'guessed'));
    await expect(refused).rejects.toMatchObject({ code: 'SECURITY_UNSECURED_FAULT' });
    expect(await ask(channel, 'one')).toBe('re: one');
    expect(line.heard.map(addedTo)).toEqual([[]]);
  });
});
