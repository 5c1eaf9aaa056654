/** I3: every id is unique over wsu:Id, xml:id, Id, ID and AssertionID in the whole envelope. */
import { describe } from 'vitest';
import { attacks, cut, swap } from './support.ts';

const idOf = (valid: string, name: string) => new RegExp(`<${name} [^>]*wsu:Id="([^"]*)"`).exec(valid)?.[1] ?? '';

describe('I3: one id, two elements', () => {
  const twice =
    (attribute: string, name = 's:Body') =>
    (valid: string) =>
      swap(
        valid,
        '<wsse:Security ',
        `<x:Twin xmlns:x="urn:x" xmlns:wsu="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd" ${attribute}="${idOf(valid, name)}"/><wsse:Security `,
      );
  attacks([
    ['a header with the wsu:Id of the Body', 'SECURITY_DUPLICATE_ID', twice('wsu:Id')],
    ['a header with it as xml:id', 'SECURITY_DUPLICATE_ID', twice('xml:id')],
    ['a header with it as Id', 'SECURITY_DUPLICATE_ID', twice('Id')],
    ['a header with it as ID', 'SECURITY_DUPLICATE_ID', twice('ID')],
    ['a header with it as AssertionID', 'SECURITY_DUPLICATE_ID', twice('AssertionID')],
    ['a header with the id of the token', 'SECURITY_DUPLICATE_ID', twice('wsu:Id', 'wsse:BinarySecurityToken')],
    [
      'a second Body inside the first, same id',
      'SECURITY_DUPLICATE_ID',
      (valid) => {
        const original = cut(valid, 's:Body');
        return swap(valid, '</o:Order>', `${original}</o:Order>`);
      },
    ],
    [
      'a second token, same id',
      'SECURITY_DUPLICATE_ID',
      (valid) => {
        const token = cut(valid, 'wsse:BinarySecurityToken');
        return swap(valid, token, token + token);
      },
    ],
  ]);
});
