/** The shapes a session is simulated in, and how a schedule is named on a command line. */
import { reliableVersions } from '../../src/reliable/versions/table.ts';
import type { ReliableVersion } from '../../src/reliable/versions/version.ts';
import type { SoapVersion } from '../../src/soap/version.ts';
import { soapVersions } from '../../src/soap/version.ts';

/** Who sends: the initiator; the acceptor too, its replies; both, unasked, over connections that break. */
const patterns = ['one-way', 'request-reply', 'duplex'] as const;

export interface Shape {
  readonly version: ReliableVersion;
  readonly soap: SoapVersion;
  readonly ordered: boolean;
  readonly pattern: (typeof patterns)[number];
}

/** `octets`: the full stack, each leg written and read again; `messages`: the same without octets in between. */
export const levels = ['octets', 'messages'] as const;
export type Level = (typeof levels)[number];

/** Where a shape can be simulated: duplex connections are made of octets only. */
export function hasLevel({ pattern }: Shape, level: Level): boolean {
  return level === 'octets' || pattern !== 'duplex';
}

/** Both versions, both SOAP versions, ordered and not, every pattern. */
export const shapes: readonly Shape[] = reliableVersions.flatMap((version) =>
  soapVersions.flatMap((soap) =>
    [true, false].flatMap((ordered) => patterns.map((pattern) => ({ version, soap, ordered, pattern }))),
  ),
);

/** Such as `200702,1.2,ordered,one-way`: what `npm run laws -- --shape` takes, whole or in part. */
export function shapeName({ version, soap, ordered, pattern }: Shape): string {
  return `${version.name},${soap.name},${ordered ? 'ordered' : 'unordered'},${pattern}`;
}

/** The shapes that have every part of `wanted`, in any order. */
export function shapesLike(wanted: string): readonly Shape[] {
  const parts = wanted.split(',').filter((part) => part !== '');
  return shapes.filter((shape) => {
    const has = shapeName(shape).split(',');
    return parts.every((part) => has.includes(part));
  });
}
