/**
 * K1 to K19 of docs/ATTACKS.md on messages that CXF, Metro and WSS4J have signed: keys, algorithms and certificates that the message
 * would choose for itself.
 */
import { createHmac } from 'node:crypto';
import { describe } from 'vitest';
import { ds } from '../../src/security/names.ts';
import { canonicalize, exclusive } from '../../src/xml/canonicalize.ts';
import { type Issued, issue } from '../security/pki.ts';
import type { Letter } from './letter.ts';
import { signedAgain, signedBy } from './peer-pen.ts';
import { attacked, contexts, cxf, everybody, metro, sessions, wss4jEcdsa, wss4jRsa } from './peer-stage.ts';

const certified = [metro, cxf, wss4jRsa];
const same = (letter: Letter) => letter;
let other: Promise<Issued> | undefined;
/** Of the same name as the peer. */
const stranger = () => (other ??= issue({ name: 'client', kind: 'rsa' }));

describe('whose key it is', () => {
  attacked(
    'K1 the certificate and the signature of a stranger',
    certified,
    'SECURITY_CERTIFICATE_UNTRUSTED',
    signedBy(stranger, same),
  );
  attacked(
    'K1 a bare key in the KeyInfo',
    everybody,
    ['SECURITY_MALFORMED', 'SECURITY_TOKEN', 'SECURITY_MALFORMED'],
    (letter) =>
      letter.with(
        letter.one('KeyInfo', letter.signature),
        `<d:KeyInfo xmlns:d="${ds}"><d:KeyValue><d:RSAKeyValue><d:Modulus>AQAB</d:Modulus><d:Exponent>AQAB</d:Exponent>` +
          '</d:RSAKeyValue></d:KeyValue></d:KeyInfo>',
      ),
  );
  attacked(
    'K9 a certificate that names the authority of the peer as its issuer',
    [wss4jRsa],
    'SECURITY_CERTIFICATE_UNTRUSTED',
    signedBy(async () => {
      const authority = await issue({ name: 'surewire fuzz authority', ca: true });
      return issue({ name: 'client', kind: 'rsa' }, authority);
    }, same),
  );
  attacked(
    'K10 a certificate of the same names as that of the peer, for another key',
    [metro, cxf],
    'SECURITY_CERTIFICATE_UNTRUSTED',
    signedBy(stranger, same),
  );
  attacked(
    'K11 two references in the KeyInfo',
    everybody,
    ['SECURITY_MALFORMED', 'SECURITY_TOKEN', 'SECURITY_MALFORMED'],
    (letter) => {
      const reference = letter.one('SecurityTokenReference', letter.one('KeyInfo', letter.signature));
      return letter.before(reference, letter.of(reference).replace(/ wsu:Id="[^"]*"/, ''));
    },
  );
  attacked('K11 two targets in the reference', everybody, 'SECURITY_MALFORMED', (letter) => {
    const reference = letter.one('SecurityTokenReference', letter.one('KeyInfo', letter.signature));
    return letter.last(reference, letter.of(letter.one('Reference', reference)));
  });
  attacked('K12 a certificate of 20 kB', certified, 'SECURITY_CERTIFICATE_MALFORMED', (letter) => {
    const token = letter.one('BinarySecurityToken');
    const octets = Buffer.concat([Buffer.from(token.text, 'base64'), Buffer.alloc(20_000)]);
    return letter.saying(token, octets.toString('base64'));
  });
  attacked('K12 a certificate that claims a length of 2 GB', certified, 'SECURITY_CERTIFICATE_MALFORMED', (letter) =>
    letter.saying(
      letter.one('BinarySecurityToken'),
      Buffer.from([0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 0]).toString('base64'),
    ),
  );
});

describe('which algorithm it is', () => {
  const method = (uri: string) => (letter: Letter) =>
    letter.changed(letter.one('SignatureMethod'), /Algorithm="[^"]*"/, `Algorithm="${uri}"`);
  attacked('K2 a MAC whose secret is the public key of the peer', certified, 'SECURITY_ALGORITHM', (letter) => {
    const named = method('http://www.w3.org/2001/04/xmldsig-more#hmac-sha256')(letter);
    const info = named.one('SignedInfo');
    const secret = Buffer.from(named.one('BinarySecurityToken').text, 'base64');
    const prefixes = info.children[0]?.children[0]?.attribute('PrefixList')?.split(' ') ?? [];
    const value = createHmac('sha256', secret)
      .update(canonicalize(info, exclusive, { prefixes }))
      .digest('base64');
    return named.saying(named.one('SignatureValue'), value);
  });
  attacked(
    'K3 an HMACOutputLength of 8 bits, signed by the peer itself',
    contexts,
    'SECURITY_MALFORMED',
    signedAgain((letter) =>
      letter.last(letter.one('SignatureMethod'), `<d:HMACOutputLength xmlns:d="${ds}">8</d:HMACOutputLength>`),
    ),
  );
  attacked('K3 a MAC that is cut', contexts, 'SECURITY_SIGNATURE', (letter) => {
    const value = letter.one('SignatureValue');
    return letter.saying(value, Buffer.from(value.text, 'base64').subarray(0, 1).toString('base64'));
  });
  attacked(
    'K4 RSA with SHA-1 where the policy does not name it',
    [cxf, wss4jRsa],
    'SECURITY_ALGORITHM',
    method(`${ds}rsa-sha1`),
  );
  attacked(
    'K4 RSA with MD5',
    certified,
    'SECURITY_ALGORITHM',
    method('http://www.w3.org/2001/04/xmldsig-more#rsa-md5'),
  );
  attacked(
    'K4 a digest that is none, signed by the peer itself',
    contexts,
    'SECURITY_ALGORITHM',
    signedAgain((letter) => letter.changed(letter.one('DigestMethod'), /Algorithm="[^"]*"/, 'Algorithm="urn:none"')),
  );
  attacked('K4 another cipher than that of the policy', sessions, 'SECURITY_DECRYPTION', (letter) =>
    letter.changed(
      letter.one('EncryptionMethod', letter.body),
      /Algorithm="[^"]*"/,
      'Algorithm="http://www.w3.org/2001/04/xmlenc#tripledes-cbc"',
    ),
  );
  attacked('K4 RSA-1.5 for the key of the content', [metro, cxf], 'SECURITY_DECRYPTION', (letter) =>
    letter.changed(
      letter.one('EncryptionMethod', letter.one('EncryptedKey')),
      /Algorithm="[^"]*"/,
      'Algorithm="http://www.w3.org/2001/04/xmlenc#rsa-1_5"',
    ),
  );
  attacked('K5 the same key under CBC instead of GCM', [cxf], 'SECURITY_DECRYPTION', (letter) =>
    letter.changed(
      letter.one('EncryptionMethod', letter.body),
      /Algorithm="[^"]*"/,
      'Algorithm="http://www.w3.org/2001/04/xmlenc#aes256-cbc"',
    ),
  );
  attacked('K7 r and s are 0', [wss4jEcdsa], 'SECURITY_SIGNATURE', (letter) =>
    letter.saying(letter.one('SignatureValue'), Buffer.alloc(64).toString('base64')),
  );
  attacked('K7 an ECDSA value of another length', [wss4jEcdsa], 'SECURITY_SIGNATURE', (letter) => {
    const value = letter.one('SignatureValue');
    return letter.saying(value, Buffer.concat([Buffer.from(value.text, 'base64'), Buffer.alloc(2)]).toString('base64'));
  });
  attacked(
    'K7 an ECDSA key under the name of RSA',
    [wss4jEcdsa],
    'SECURITY_KEY',
    method('http://www.w3.org/2001/04/xmldsig-more#rsa-sha256'),
  );
});
