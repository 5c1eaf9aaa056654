/** WSS4J as an oracle, both ways: what it secures is examined here, and what is secured here is processed there. */
import { afterAll } from 'vitest';
import { parties } from './parties.ts';
import { withPeer } from './suite.ts';
import { buildWss4j } from './wss4j-build.ts';
import { encryption } from './wss4j-encryption.ts';
import { wss4j } from './wss4j-peer.ts';
import { saml } from './wss4j-saml.ts';
import { signatures } from './wss4j-signatures.ts';
import { symmetric } from './wss4j-symmetric.ts';

await withPeer(
  'wss4j',
  async () => {
    const program = await buildWss4j();
    const all = await parties();
    return { all, peer: await wss4j(program, all, { users: { alice: 'correct horse' } }) };
  },
  (bench) => {
    signatures(bench);
    encryption(bench);
    symmetric(bench);
    saml(bench);
    afterAll(() => bench.peer.stop());
  },
);
