/** xml-crypto's canonicalizer over the DOM of the xmldom that xml-crypto itself uses, for a thread of its own. */
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';

type Octets = Readonly<Record<string, Uint8Array>>;

async function digest({ xml = new Uint8Array() }: Octets): Promise<() => string> {
  const { ExclusiveCanonicalization } = await import('xml-crypto');
  const own = createRequire(import.meta.resolve('xml-crypto'));
  const { DOMParser } = own('@xmldom/xmldom') as typeof import('@xmldom/xmldom');
  const message = Buffer.from(xml);
  return () => {
    const document = new DOMParser().parseFromString(message.toString('utf8'), 'text/xml');
    const octets = new ExclusiveCanonicalization().process(document.documentElement as never, {});
    return createHash('sha256').update(octets.toString(), 'utf8').digest('hex');
  };
}

export const works: Readonly<Record<string, (octets: Octets) => Promise<() => unknown>>> = {
  digest,
  /** Fails where the digest is another: who computes something else is not compared. */
  async check({ xml = new Uint8Array(), expected = new Uint8Array() }) {
    const found = (await digest({ xml }))();
    if (found !== Buffer.from(expected).toString()) throw new Error('another digest');
    return () => undefined;
  },
};
