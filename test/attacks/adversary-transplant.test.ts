/**
 * E12, K5: the symmetric binding in the order encrypt, then sign. What is signed is ciphertext, which whoever cannot read it can sign as
 * well, under a secret of his own; the reply would then be his to read. One secret has to do both.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { instant } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { anonymousForCertificate } from '../../src/security/presets/for-certificate.ts';
import { Protector } from '../../src/security/protect.ts';
import { encodeEnvelope, message } from '../../src/soap/envelope.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { acceptor, order, secured, start } from '../security/rig.ts';
import { cbc, every, type People, people } from './encrypted-support.ts';
import { cut, fault, receive, swap } from './support.ts';

let all: People;
beforeAll(async () => {
  all = await people();
});

describe.each([
  ['GCM', {}],
  ['CBC', { suite: cbc }],
])('%s', (_, suite) => {
  describe.each([true, false])('derived keys: %s', (derivedKeys) => {
    test('ciphertext of another under his own key, signed under the secret of the attacker', async () => {
      const options = { ...suite, order: 'encrypt-sign', derivedKeys } as const;
      const captured = new TextDecoder().decode(
        await secured(anonymousForCertificate({ peer: all.bob.certificate, ...options })),
      );
      const { outbound } = anonymousForCertificate({ peer: all.bob.certificate, ...options });
      const { encryption } = outbound;
      if (encryption === undefined) throw new Error('encrypts');
      const signs = new Protector({ ...outbound, encryption: { ...encryption, body: false } }, seededRandom(99));
      const { headers, version, action } = order();
      const stolen = XmlFragment.parse(cut(captured, 'xenc:EncryptedData'));
      const mine = await signs.secure(message({ version, action, headers, body: stolen }), instant(start));
      const text = new TextDecoder().decode(encodeEnvelope(mine.message));
      const keys = [...every(captured, 'xenc:EncryptedKey'), ...every(captured, 'wsc:DerivedKeyToken')].join('');
      const attack = swap(
        swap(text, '<ds:Signature ', `${keys}<ds:Signature `),
        '</wsse:Security>',
        `${cut(captured, 'xenc:ReferenceList')}</wsse:Security>`,
      );
      const end = acceptor(anonymousForCertificate({ key: all.bob.key(), ...options }));
      const { answer, codes } = await receive(end, attack);
      expect(codes).toEqual(['SECURITY_UNSUPPORTED']);
      expect(end.heard).toHaveLength(0);
      expect(answer).toBe(fault);
    });
  });
});
