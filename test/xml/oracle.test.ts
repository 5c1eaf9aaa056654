import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { canonicalizations, canonicalize } from '../../src/xml/canonicalize.ts';
import { scan } from '../../src/xml/scan.ts';
import { messyDocument } from './messy.ts';
import { hasLxml, lxml } from './support.ts';

const SEED = 20260214;

describe.skipIf(!hasLxml)('libxml2 as an oracle (skipped where python3-lxml is missing)', () => {
  test('400 untidy documents have the same canonical form by all methods that libxml2 knows', () => {
    const random = seededRandom(SEED);
    const documents = Array.from({ length: 400 }, () => Buffer.from(messyDocument(random)));
    const methods = [...canonicalizations.values()].filter(({ edition }) => edition === '1.0');
    const jobs = documents.flatMap((xml) =>
      methods.map(({ exclusive, comments }) => ({
        xml,
        exclusive,
        comments,
        ...(exclusive && comments ? { prefixes: ['a', 'é'] } : {}),
      })),
    );
    const answers = lxml(jobs);
    jobs.forEach(({ xml, prefixes = [] }, index) => {
      const method = methods[index % methods.length];
      const answer = answers[index];
      if (method === undefined || answer === undefined) throw new Error('an answer is missing');
      const context = `seed ${SEED}, job ${index}, ${method.uri}: ${xml}`;
      expect(typeof answer === 'string' ? answer : '', context).toBe('');
      expect(Buffer.from(canonicalize(scan(xml), method, { prefixes })).toString(), context).toBe(answer.toString());
    });
  });
});
