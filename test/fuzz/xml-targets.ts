/** Scanning, canonicalization and the reading of envelopes, with libxml2 as a judge of what was accepted. */
import { seededRandom } from '../../src/base/random.ts';
import { readHeaders } from '../../src/reliable/headers.ts';
import { readSecurityHeader } from '../../src/security/header.ts';
import { addressingOf } from '../../src/soap/addressing.ts';
import { encodeEnvelope, payload, readEnvelope } from '../../src/soap/envelope.ts';
import { faultOf, faultReply } from '../../src/soap/fault.ts';
import { soap11, soap12 } from '../../src/soap/version.ts';
import { canonicalizations, canonicalize, exclusive } from '../../src/xml/canonicalize.ts';
import type { XmlDocument, XmlElement } from '../../src/xml/document.ts';
import { elementsById } from '../../src/xml/find.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { scan } from '../../src/xml/scan.ts';
import { order } from '../security/rig.ts';
import { messyDocument } from '../xml/messy.ts';
import { hasLxml, lxml, type OracleJob } from '../xml/support.ts';
import { asLibxml2Writes } from './libxml2.ts';
import { codeOf, Finding, type Target } from './target.ts';

const messy = (count: number): readonly string[] => {
  const random = seededRandom(7);
  return Array.from({ length: count }, () => messyDocument(random));
};

const envelopes: readonly string[] = [soap11, soap12].flatMap((version) => [
  Buffer.from(encodeEnvelope(order(version))).toString(),
  Buffer.from(encodeEnvelope(faultReply(order(version), { code: 'sender', reason: 'no' }))).toString(),
]);

/** Documents that libxml2 is asked about at once. */
const QUESTIONS = 400;

/** Everything that can be asked of a document is asked, so that what is lazy is done too. */
function walk(document: XmlDocument): void {
  const visit = (element: XmlElement): void => {
    void element.text;
    for (const one of element.attributes) void one.value;
    element.children.forEach(visit);
  };
  visit(document.root);
  codeOf(() => elementsById(document));
}

export function scanTarget(): Target {
  const asked: Uint8Array[] = [];
  return {
    name: 'scan',
    seeds: [...messy(40), ...envelopes],
    handle(octets) {
      const code = codeOf(() => walk(scan(octets)));
      if (code === 'accepted' && asked.length < QUESTIONS) asked.push(octets);
      return code;
    },
    ask: () => wellFormed(asked.splice(0)),
  };
}

/**
 * What libxml2 reads, and warns of: namespace names are compared, never resolved, and an xml:id is any name here; a document with
 * an id twice is read, and refused where ids are looked for.
 */
const warning = /is not a valid URI|is not an NCName|^!XMLSyntaxError: ID .* already defined/;

/** What libxml2 does not read is not to be read here. */
function wellFormed(asked: readonly Uint8Array[]): readonly Finding[] {
  if (!hasLxml || asked.length === 0) return [];
  const answers = lxml(asked.map((xml) => ({ xml, exclusive: true, comments: false })));
  return answers.flatMap((answer, at) =>
    typeof answer === 'string' && !warning.test(answer)
      ? [new Finding(`libxml2 rejects it: ${answer}`, asked[at] ?? new Uint8Array())]
      : [],
  );
}

const methods = [...canonicalizations.values()].filter(({ edition }) => edition === '1.0');

export function canonicalizeTarget(): Target {
  const asked: { readonly job: OracleJob; readonly ours: Uint8Array }[] = [];
  let turn = 0;
  return {
    name: 'canonicalize',
    seeds: [...messy(40), ...envelopes],
    handle(octets) {
      return codeOf(() => {
        const document = scan(octets);
        const once = canonicalize(document, exclusive);
        const again = canonicalize(scan(once), exclusive);
        if (!Buffer.from(once).equals(again))
          throw new Finding('the canonical form of a canonical form is another', octets);
        const method = methods[turn++ % methods.length] ?? exclusive;
        const ours = canonicalize(document, method);
        const { exclusive: only, comments } = method;
        if (asked.length < QUESTIONS) asked.push({ job: { xml: octets, exclusive: only, comments }, ours });
        for (const child of document.root.children) void XmlFragment.of(child).bytes;
      });
    },
    ask() {
      const questions = asked.splice(0);
      if (!hasLxml || questions.length === 0) return [];
      const answers = lxml(questions.map(({ job }) => job));
      return questions.flatMap(({ job, ours }, at) => {
        const answer = answers[at];
        if (answer === undefined || typeof answer === 'string') return [];
        return answer.equals(asLibxml2Writes(ours))
          ? []
          : [
              new Finding(
                `libxml2 has another canonical form (exclusive ${job.exclusive}, comments ${job.comments})`,
                job.xml,
              ),
            ];
      });
    },
  };
}

export function envelopeTarget(): Target {
  return {
    name: 'envelope',
    seeds: envelopes,
    handle(octets) {
      return codeOf(() => {
        const message = readEnvelope(scan(octets));
        const found = [
          codeOf(() => addressingOf(message)),
          codeOf(() => faultOf(message)),
          codeOf(() => payload(message)),
        ];
        found.push(
          codeOf(() => readHeaders(message)),
          codeOf(() => readSecurityHeader(message)),
        );
        const written = encodeEnvelope(message);
        const again = readEnvelope(scan(written));
        // A prefix that only seems to be used in content may be declared at another place; what is meant is the same.
        const second = encodeEnvelope(again);
        if (!Buffer.from(canonicalize(scan(second), exclusive)).equals(canonicalize(scan(written), exclusive))) {
          throw new Finding('writing what was written gives another', octets);
        }
        if (again.action !== message.action || again.headers.length !== message.headers.length) {
          throw new Finding('what was read is not what was written', octets);
        }
      });
    },
  };
}
