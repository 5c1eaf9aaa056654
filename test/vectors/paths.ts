/** Certification paths: each certificate at the moment of its case, with the authority's revocation list. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { instant } from '../../src/base/clock.ts';
import { certificates } from '../../src/security/certificates.ts';
import { trustChain } from '../../src/security/trust.ts';
import { type VectorCase, vectorOctets, vectorPath, vectorsFolder } from './manifest.ts';
import { errorOf, type Judge, pass, wrong } from './result.ts';

const revocationList = join(vectorsFolder, 'certpath-wss4j/keys/wss40CACRL.pem');

interface Dated extends VectorCase {
  readonly at: string;
}

export const judgePath: Judge = async (one) => {
  const [leaf] = certificates(vectorOctets(one));
  const anchor = one.keys[0]?.file;
  if (leaf === undefined || anchor === undefined) return wrong('no certificate');
  const trust = trustChain({
    anchors: readFileSync(vectorPath(one, anchor), 'utf8'),
    revocation: [readFileSync(revocationList, 'utf8')],
  });
  const at = instant(Date.parse(String((one as Dated).at)));
  const error = await errorOf(() => trust.accept(leaf, at));
  if (one.expect === 'valid') return error === undefined ? pass('trusted') : wrong(String(error));
  return error === undefined ? wrong('trusted') : pass(`not trusted: ${error.code}`);
};
