/**
 * Where the files of a development PKI lie in its folder. The layout follows from the settings alone, so that a later run
 * finds, checks and replaces exactly what an earlier one wrote.
 */

import { instant } from '../base/clock.ts';
import { type PlannedCertificate, plan } from './plan.ts';
import type { PkiAlgorithm, PkiSettings } from './settings.ts';

export const MANIFEST = 'pki.json';
export const README = 'README.md';
export const GITIGNORE = '.gitignore';
/** What the name of a file ends with until it is whole. */
export const UNFINISHED = '.part';
/** Held while the files are made; always empty. */
export const LOCK = '.lock';
/** The root certificates of all chains. */
export const TRUST = 'trust.pem';

export const AUTHORITIES = ['root', 'intermediate'] as const;
export type AuthorityName = (typeof AUTHORITIES)[number];

export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
  /** Absent for CAs, whose keys leave the folder for no key store. */
  readonly leaf?: { readonly chain: string; readonly pfx: string; readonly legacyPfx: string };
}

export function certificateFiles(algorithm: PkiAlgorithm, { name, pathLength }: PlannedCertificate): CertificateFiles {
  const stem = `${algorithm}/${name}`;
  const files = { certificate: `${stem}.cert.pem`, key: `${stem}.key.pem` };
  if (pathLength !== undefined) return files;
  return { ...files, leaf: { chain: `${stem}.chain.pem`, pfx: `${stem}.pfx`, legacyPfx: `${stem}.legacy.pfx` } };
}

export function revocationFiles(algorithm: PkiAlgorithm, authority: AuthorityName): { pem: string; der: string } {
  return { pem: `${algorithm}/${authority}.crl.pem`, der: `${algorithm}/${authority}.crl` };
}

/** Every file that a PKI of these settings has. */
export function allFiles(settings: PkiSettings): readonly string[] {
  const chains = settings.algorithms.flatMap((algorithm) => [
    ...plan(settings, algorithm, instant(0)).flatMap((planned) => {
      const { certificate, key, leaf } = certificateFiles(algorithm, planned);
      return [certificate, key, ...(leaf === undefined ? [] : Object.values(leaf))];
    }),
    ...AUTHORITIES.flatMap((authority) => Object.values(revocationFiles(algorithm, authority))),
  ]);
  return [...chains, TRUST, README, GITIGNORE, MANIFEST];
}
