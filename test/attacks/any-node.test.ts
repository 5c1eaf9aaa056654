/**
 * X1 to X18 at random: elements of a signed message are taken out, copied, moved, wrapped, exchanged and given other ids,
 * roles and namespaces, up to four times in a row. Whatever comes out: refused, or what is heard is what was signed.
 */
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { instant } from '../../src/base/clock.ts';
import { SurewireError } from '../../src/base/errors.ts';
import { examine } from '../../src/security/verify.ts';
import { encodeEnvelope } from '../../src/soap/envelope.ts';
import type { XmlElement } from '../../src/xml/document.ts';
import { scan } from '../../src/xml/scan.ts';
import { policyOf, read, start } from '../security/rig.ts';
import { prepare, type Stage } from './support.ts';

const seed = 20261123;
let stage: Stage;
let expected: string;
beforeAll(async () => {
  stage = await prepare();
  expected = await heard(stage.valid);
});

async function heard(text: string): Promise<string> {
  const policy = policyOf(stage.pki.service, stage.pki.root);
  const around = { now: instant(start), replay: { remember: () => true }, peer: undefined };
  const { message, evidence } = await examine(read(text), policy.inbound, around);
  // Header blocks have no order of their own, and signatures none among tokens.
  const blocks = message.headers.map((block) => block.fragment.toString()).sort();
  const body = new TextDecoder().decode(encodeEnvelope({ ...message, headers: [] }));
  return [message.action, ...blocks, body, evidence.signer?.name, ...[...evidence.signed].sort()].join('\n');
}

const wrappers = [
  '<x:W xmlns:x="urn:x">',
  '<x:W xmlns:x="urn:x" s:role="urn:other">',
  '<s:Header>',
  '<s:Body>',
  '<!--',
  '<![CDATA[',
];
const attributes = [
  ' wsu:Id="evil"',
  ' Id="evil"',
  ' xml:id="evil"',
  ' s:role="urn:other"',
  ' s:role="http://www.w3.org/2003/05/soap-envelope/role/next"',
  ' s:mustUnderstand="0"',
  ' xmlns="urn:evil"',
  ' xmlns:o="urn:evil"',
  ' xml:lang="evil"',
];

type Step =
  | { readonly does: 'remove' | 'evil'; readonly one: number }
  | {
      readonly does: 'copy' | 'move' | 'exchange';
      readonly one: number;
      readonly other: number;
      readonly inside: boolean;
    }
  | { readonly does: 'wrap' | 'mark' | 'id'; readonly one: number; readonly other: number };

const natural = fc.nat(10_000);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ does: fc.constantFrom('remove' as const, 'evil' as const), one: natural }),
  fc.record({
    does: fc.constantFrom('copy' as const, 'move' as const, 'exchange' as const),
    one: natural,
    other: natural,
    inside: fc.boolean(),
  }),
  fc.record({ does: fc.constantFrom('wrap' as const, 'mark' as const, 'id' as const), one: natural, other: natural }),
);

/** Replaces stretches of a text, given as start, end and what comes instead. */
function edited(text: string, edits: readonly (readonly [from: number, to: number, by: string])[]): string {
  return [...edits]
    .sort((one, other) => other[0] - one[0])
    .reduce((now, [from, to, by]) => now.slice(0, from) + by + now.slice(to), text);
}

function done(text: string, what: Step): string {
  const all: XmlElement[] = [];
  const collect = (element: XmlElement): void => {
    all.push(element);
    element.children.forEach(collect);
  };
  collect(scan(Buffer.from(text)).root);
  const pick = (number: number) => all[number % all.length] as XmlElement;
  const one = pick(what.one);
  const markup = text.slice(one.start, one.end);
  switch (what.does) {
    case 'remove':
      return edited(text, [[one.start, one.end, '']]);
    case 'evil':
      return edited(text, [[one.start, one.end, markup.replace(/>([^<>]+)</, '>evil<')]]);
    case 'copy':
    case 'move':
    case 'exchange': {
      const other = pick(what.other);
      if (one.contains(other) || other.contains(one)) return text;
      const place = what.inside ? text.indexOf('>', other.start) + 1 : other.start;
      const put = [place, place, markup] as const;
      if (what.does === 'copy') return edited(text, [put]);
      if (what.does === 'move') return edited(text, [put, [one.start, one.end, '']]);
      const there = text.slice(other.start, other.end);
      return edited(text, [
        [one.start, one.end, there],
        [other.start, other.end, markup],
      ]);
    }
    case 'wrap': {
      const open = wrappers[what.other % wrappers.length] ?? '';
      const close = open === '<!--' ? '-->' : open === '<![CDATA[' ? ']]>' : `</${/^<([^ >]*)/.exec(open)?.[1]}>`;
      return edited(text, [[one.start, one.end, open + markup + close]]);
    }
    case 'mark': {
      const at = text.slice(one.start).search(/[ >]/) + one.start;
      return edited(text, [[at, at, attributes[what.other % attributes.length] ?? '']]);
    }
    case 'id': {
      const ids = [...text.matchAll(/Id="([^"]*)"/g)].map((match) => match[1] ?? '');
      return edited(text, [[one.start, one.end, markup.replace(/Id="[^"]*"/, `Id="${ids[what.other % ids.length]}"`)]]);
    }
    default:
      return what satisfies never;
  }
}

test(`elements changed at random: refused, or the same is heard (seed ${seed})`, async () => {
  let passed = 0;
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 4 }), async (steps) => {
      let text = stage.valid;
      try {
        for (const one of steps) text = done(text, one);
        if (text === stage.valid) return;
        expect(await heard(text)).toBe(expected);
        passed++;
      } catch (error) {
        if (!(error instanceof SurewireError)) throw error;
        refused++;
      }
    }),
    { seed, numRuns: 1_500 },
  );
  // Some changes change nothing: an unsigned header more, a copied token that nobody refers to.
  expect(passed).toBeGreaterThan(10);
  expect(refused).toBeGreaterThan(1_000);
});
