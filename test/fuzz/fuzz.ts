/** The loop: mutates what it has, keeps what leads somewhere new, and collects what breaks a promise. */
import { SurewireError } from '../../src/base/errors.ts';
import { type Random, seededRandom } from '../../src/base/random.ts';
import { dice, mutate, octetsOf } from './mutate.ts';
import { Finding, type Target } from './target.ts';

export interface FuzzOptions {
  readonly seed: number;
  /** Ends after so many documents, or so many milliseconds. */
  readonly documents?: number;
  readonly milliseconds?: number;
}

export interface FuzzReport {
  readonly target: string;
  readonly seed: number;
  readonly documents: number;
  /** How often each word was said. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Texts that were kept because they led somewhere new. */
  readonly kept: number;
  readonly findings: readonly Finding[];
}

/** Texts that are kept at most, the seeds among them. */
const KEPT = 2_000;
/** Documents between two questions to peers. */
const STRETCH = 1_000;
const FINDINGS = 20;

export async function fuzz(target: Target, options: FuzzOptions): Promise<FuzzReport> {
  const random: Random = seededRandom(options.seed);
  const by = dice(random);
  const texts = [...target.seeds];
  const outcomes = new Map<string, number>();
  const ways = new Set<string>();
  const findings = new Map<string, Finding>();
  const found = (finding: Finding): void => {
    const key = finding.message.replace(/\d+/g, '').slice(0, 80);
    if (!findings.has(key) && findings.size < FINDINGS) findings.set(key, finding);
  };
  const until =
    options.milliseconds === undefined ? Number.POSITIVE_INFINITY : performance.now() + options.milliseconds;
  const limit = options.documents ?? Number.POSITIVE_INFINITY;
  let documents = 0;
  for (; documents < limit && performance.now() < until; documents++) {
    const text = mutate(by.pick(texts), by, by.pick(texts));
    const octets = octetsOf(text, by);
    let outcome: string;
    try {
      outcome = await target.handle(octets);
    } catch (thrown) {
      outcome = 'FINDING';
      found(thrown instanceof Finding ? thrown : unexpected(thrown, octets));
    }
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    if (!ways.has(outcome) || (outcome === 'accepted' && by.chance(0.02))) {
      ways.add(outcome);
      if (texts.length < KEPT) texts.push(text);
    }
    if (documents % STRETCH === STRETCH - 1) for (const one of target.ask?.() ?? []) found(one);
  }
  for (const one of target.ask?.() ?? []) found(one);
  return {
    target: target.name,
    seed: options.seed,
    documents,
    outcomes: Object.fromEntries([...outcomes].sort(([, one], [, other]) => other - one)),
    kept: texts.length - target.seeds.length,
    findings: [...findings.values()],
  };
}

function unexpected(thrown: unknown, octets: Uint8Array): Finding {
  const name = thrown instanceof SurewireError ? thrown.code : (thrown as Error)?.constructor?.name;
  return new Finding(`threw ${name}: ${(thrown as Error)?.message}`, octets, thrown);
}
