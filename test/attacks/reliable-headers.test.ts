/** M1, M3, M4, M12: the headers that steer a sequence are signed where they are present, in both versions of WS-RM. */
import { describe } from 'vitest';
import { attacks, cut, evil, swap } from './support.ts';

const wrapper = (inside: string) => `<x:Wrapper xmlns:x="urn:x">${inside}</x:Wrapper>`;
const namespaces = ['http://schemas.xmlsoap.org/ws/2005/02/rm', 'http://docs.oasis-open.org/ws-rx/wsrm/200702'];
const signed = [
  ['r:Sequence', '<r:MessageNumber>1', '<r:MessageNumber>9'],
  ['r:AckRequested', 'urn:uuid:5e9', 'urn:uuid:5ea'],
  ['r:SequenceAcknowledgement', 'Upper="3"', 'Upper="9"'],
] as const;

describe.each(signed)('the signed %s', (name, from, to) => {
  const part = (valid: string) => cut(valid, name);
  attacks([
    ['is changed', 'SECURITY_DIGEST', (valid) => swap(valid, part(valid), swap(part(valid), from, to))],
    ['is replaced and removed', 'SECURITY_REFERENCE', (valid) => swap(valid, part(valid), evil(part(valid), from, to))],
    ['is removed', 'SECURITY_REFERENCE', (valid) => swap(valid, part(valid), '')],
    [
      'is copied with another value',
      'SECURITY_UNSIGNED',
      (valid) => swap(valid, part(valid), part(valid) + evil(part(valid), from, to)),
    ],
    [
      'is copied in front with another value',
      'SECURITY_UNSIGNED',
      (valid) => swap(valid, part(valid), evil(part(valid), from, to) + part(valid)),
    ],
    ['is duplicated as it is', 'SECURITY_DUPLICATE_ID', (valid) => swap(valid, part(valid), part(valid) + part(valid))],
    [
      'is duplicated without id',
      'SECURITY_UNSIGNED',
      (valid) => swap(valid, part(valid), part(valid) + part(valid).replace(/ wsu:Id="[^"]*"/, '')),
    ],
    [
      'is wrapped in an unknown header',
      'SECURITY_REFERENCE',
      (valid) => swap(valid, part(valid), wrapper(part(valid))),
    ],
    [
      'is wrapped, an evil one in its place',
      'SECURITY_REFERENCE',
      (valid) => swap(valid, part(valid), evil(part(valid), from, to) + wrapper(part(valid))),
    ],
    [
      'is moved into the Body',
      ['SECURITY_REFERENCE', 'SECURITY_DIGEST'],
      (valid) => swap(swap(valid, part(valid), ''), '</o:Order>', `${part(valid)}</o:Order>`),
    ],
    [
      'is moved into Security',
      'SECURITY_UNSUPPORTED',
      (valid) => swap(swap(valid, part(valid), ''), '</wsse:Security>', `${part(valid)}</wsse:Security>`),
    ],
    [
      'is moved out of the Header',
      'SECURITY_MALFORMED',
      (valid) => swap(swap(valid, part(valid), ''), '<ds:KeyInfo>', `${part(valid)}<ds:KeyInfo>`),
    ],
    [
      'loses its id',
      'SECURITY_REFERENCE',
      (valid) => swap(valid, part(valid), part(valid).replace(/ wsu:Id="[^"]*"/, '')),
    ],
    [
      'is given another role',
      'SECURITY_DIGEST',
      (valid) =>
        swap(
          valid,
          part(valid),
          part(valid)
            .replace(' wsu:Id', ' s:role="urn:other" xmlns:s="http://www.w3.org/2003/05/soap-envelope" wsu:Id')
            .replace(/ xmlns:s="[^"]*"(.*xmlns:s=)/, '$1'),
        ),
    ],
  ]);
});

describe.each(namespaces)('an unsigned header of %s', (namespace) => {
  const add = (xml: string) => (valid: string) => swap(valid, '<wsse:Security ', `${xml}<wsse:Security `);
  const block = (local: string, attributes = '') =>
    `<r:${local} xmlns:r="${namespace}"${attributes}><r:Identifier>urn:uuid:evil</r:Identifier></r:${local}>`;
  attacks([
    ['Sequence (M23 when it is of the other version)', 'SECURITY_UNSIGNED', add(block('Sequence'))],
    ['M4 SequenceAcknowledgement', 'SECURITY_UNSIGNED', add(block('SequenceAcknowledgement'))],
    ['M12 AckRequested', 'SECURITY_UNSIGNED', add(block('AckRequested'))],
    ['M5 SequenceFault', 'SECURITY_UNSIGNED', add(block('SequenceFault'))],
    ['M29 UsesSequenceSTR', 'SECURITY_UNSIGNED', add(block('UsesSequenceSTR'))],
    ['UsesSequenceSSL', 'SECURITY_UNSIGNED', add(block('UsesSequenceSSL'))],
    ['one that nobody knows', 'SECURITY_UNSIGNED', add(block('Anything'))],
  ]);
});
