/** X21, X22, E7, E9: what looks encrypted is not promoted, not skipped and never fetched. */
import { describe } from 'vitest';
import { attacks, cut, swap } from './support.ts';

const xenc = 'xmlns:xenc="http://www.w3.org/2001/04/xmlenc#"';
const data = `<xenc:EncryptedData ${xenc}><xenc:CipherData><xenc:CipherValue>AAAA</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData>`;
const wsse11 = 'xmlns:e="http://docs.oasis-open.org/wss/oasis-wss-wssecurity-secext-1.1.xsd"';

describe('encryption lookalikes', () => {
  const ahead = (what: string, xml: string) => (valid: string) => swap(valid, what, xml + what);
  attacks([
    [
      'X21 an EncryptedHeader with a plaintext sibling',
      'SECURITY_UNSUPPORTED',
      ahead(
        '<wsse:Security ',
        `<e:EncryptedHeader ${wsse11}>${data}<a:To xmlns:a="http://www.w3.org/2005/08/addressing">urn:evil</a:To></e:EncryptedHeader>`,
      ),
    ],
    [
      'X21 an EncryptedHeader around a signed header',
      'SECURITY_UNSUPPORTED',
      (valid) => {
        const original = cut(valid, 'a:To');
        return swap(valid, original, `<e:EncryptedHeader ${wsse11}>${original}</e:EncryptedHeader>`);
      },
    ],
    ['X22 EncryptedData as a header', 'SECURITY_UNSUPPORTED', ahead('<wsse:Security ', data)],
    ['X22 EncryptedData as the payload', 'SECURITY_UNSUPPORTED', (valid) => swap(valid, cut(valid, 'o:Order'), data)],
    ['E7 an EncryptedKey in Security', 'SECURITY_UNSUPPORTED', ahead('<ds:Signature ', `<xenc:EncryptedKey ${xenc}/>`)],
    [
      'E8 a ReferenceList in Security',
      'SECURITY_UNSUPPORTED',
      ahead('<ds:Signature ', `<xenc:ReferenceList ${xenc}/>`),
    ],
    ['R5440: EncryptedData in the Signature', 'SECURITY_MALFORMED', ahead('</ds:Signature>', data)],
    [
      'X20 a SecurityTokenReference loose in Security',
      'SECURITY_UNSUPPORTED',
      ahead('<ds:Signature ', '<wsse:SecurityTokenReference/>'),
    ],
    [
      'a SignatureConfirmation nobody asked for',
      'SECURITY_UNSUPPORTED',
      ahead('<ds:Signature ', `<e:SignatureConfirmation ${wsse11}/>`),
    ],
    [
      'K17 a UsernameToken nobody asked for',
      'SECURITY_UNSUPPORTED',
      ahead('<ds:Signature ', '<wsse:UsernameToken><wsse:Username>admin</wsse:Username></wsse:UsernameToken>'),
    ],
  ]);
});
