/** RFC 5280 section 6 and what a policy adds to it: who may speak, at a given time. */
import { beforeAll, describe, expect, test } from 'vitest';
import { instant } from '../../src/base/clock.ts';
import { type ChainTrustOptions, trustChain, trustPeers } from '../../src/security/trust.ts';
import { type Issued, issue, revocationList } from './pki.ts';

const at = instant(Date.UTC(2026, 10, 22));
const day = 86_400_000;
let root: Issued;
let between: Issued;
let leaf: Issued;
beforeAll(async () => {
  root = await issue({ name: 'root', ca: true });
  between = await issue({ name: 'between', ca: true, pathLength: 0 }, root);
  leaf = await issue(
    { name: 'leaf', hosts: ['a.example', '*.b.example'], extendedUsages: ['1.3.6.1.5.5.7.3.2'] },
    between,
  );
});

const chain = (more: Partial<ChainTrustOptions> = {}) =>
  trustChain({ anchors: root.certificate, intermediates: between.certificate, ...more });
const accepted = async (trust: ReturnType<typeof trustChain>, of: Issued = leaf, when = at) => {
  await trust.accept(of.certificate, when);
};
const refused = (trust: ReturnType<typeof trustChain>, code: string, of: Issued = leaf, when = at) =>
  expect((async () => accepted(trust, of, when))()).rejects.toMatchObject({ code });

describe('certification paths', () => {
  test('a path to an anchor is accepted, and remembered', async () => {
    const trust = chain();
    await accepted(trust);
    expect(trust.accept(leaf.certificate, at)).toBeUndefined();
  });
  test('what is remembered is forgotten when the leaf expires', async () => {
    const brief = await issue({ name: 'brief', notAfter: new Date(at + 60_000) }, root);
    const trust = chain();
    await accepted(trust, brief);
    await refused(trust, 'SECURITY_CERTIFICATE_EXPIRED', brief, instant(at + 61_000));
  });
  describe('of a peer whose first messages come together', () => {
    const own = () => issue({ name: 'own', notAfter: new Date(at + 60_000) }, root);

    test('one path is found, and who came first goes on first', async () => {
      let asked = 0;
      const fetch = async () => {
        asked++;
        throw new Error('no answer');
      };
      const [peer, trust] = [await own(), chain({ ocsp: { fetch } })];
      const order: number[] = [];
      const one = async (number: number) => {
        await refused(trust, 'SECURITY_CERTIFICATE_REVOCATION', peer, instant(at + number));
        order.push(number);
      };
      await Promise.all([0, 1, 2, 3].map(one));
      expect(order).toEqual([0, 1, 2, 3]);
      expect(asked).toBe(1);
    });
    test('one that comes when the path does not hold any more is refused', async () => {
      const [peer, trust] = [await own(), chain()];
      await Promise.all([
        accepted(trust, peer),
        refused(trust, 'SECURITY_CERTIFICATE_EXPIRED', peer, instant(at + 61_000)),
        accepted(trust, peer),
      ]);
    });
    test('all are refused, now and again, when it is not who is expected', async () => {
      const [peer, trust] = [await own(), chain({ peer: { host: 'other.example' } })];
      for (const when of [at, at, instant(at + 20_000)]) {
        const two = [0, 1].map(() => refused(trust, 'SECURITY_CERTIFICATE_NAME', peer, when));
        await Promise.all(two);
      }
    });
  });
  test('the intermediate is missing', () => refused(chain({ intermediates: [] }), 'SECURITY_CERTIFICATE_UNTRUSTED'));
  test('another root of the same name', async () =>
    refused(
      chain({ anchors: (await issue({ name: 'root', ca: true })).certificate }),
      'SECURITY_CERTIFICATE_UNTRUSTED',
    ));
  test('a self-signed leaf', async () =>
    refused(chain(), 'SECURITY_CERTIFICATE_UNTRUSTED', await issue({ name: 'me' })));
  test('a leaf that is an anchor itself', async () => {
    const own = await issue({ name: 'me' });
    await accepted(chain({ anchors: [root.certificate, own.certificate] }), own);
  });
  test('an anchor that is an intermediate', () => accepted(chain({ anchors: between.certificate, intermediates: [] })));
  test('an issuer that is no authority', async () =>
    refused(
      chain({ intermediates: [between.certificate, leaf.certificate] }),
      'SECURITY_CERTIFICATE_UNTRUSTED',
      await issue({ name: 'child' }, leaf),
    ));
  test('a path longer than its issuer allows', async () => {
    const deeper = await issue({ name: 'deeper', ca: true }, between);
    const end = await issue({ name: 'end' }, deeper);
    await refused(
      chain({ intermediates: [between.certificate, deeper.certificate] }),
      'SECURITY_CERTIFICATE_UNTRUSTED',
      end,
    );
  });
  test('an issuer whose key is not for certificates', async () => {
    const wrong = await issue({ name: 'wrong', ca: true, keyUsage: 0x80 }, root);
    await refused(
      chain({ intermediates: wrong.certificate }),
      'SECURITY_CERTIFICATE_UNTRUSTED',
      await issue({ name: 'end' }, wrong),
    );
  });
  test('an expired issuer', async () => {
    const old = await issue({ name: 'old', ca: true, notAfter: new Date(at - day) }, root);
    await refused(
      chain({ intermediates: old.certificate }),
      'SECURITY_CERTIFICATE_EXPIRED',
      await issue({ name: 'end' }, old),
    );
  });
  test('names outside the permitted subtree', async () => {
    const limited = await issue({ name: 'limited', ca: true, permitted: ['good.example'] }, root);
    const trust = () => chain({ intermediates: limited.certificate });
    await accepted(trust(), await issue({ name: 'in', hosts: ['a.good.example'] }, limited));
    await refused(
      trust(),
      'SECURITY_CERTIFICATE_UNTRUSTED',
      await issue({ name: 'out', hosts: ['evil.example'] }, limited),
    );
  });
  test('certificates without keyUsage may sign', async () =>
    accepted(chain(), await issue({ name: 'plain', keyUsage: undefined }, root)));
});

describe('which peer', () => {
  test.each([
    [{ host: 'a.example' }, true],
    [{ host: 'x.b.example' }, true],
    [{ host: 'x.y.b.example' }, false],
    [{ host: 'c.example' }, false],
    [{ subject: 'CN=leaf' }, true],
    [{ subject: 'CN=leaf, O=Other' }, false],
    [{ host: 'a.example', subject: 'CN=other' }, false],
    [{ fingerprints: ['00'] }, false],
  ])('%j: %s', async (peer, good) => {
    if (good) await accepted(chain({ peer }));
    else await refused(chain({ peer }), 'SECURITY_CERTIFICATE_NAME');
  });
  test('a fingerprint, with colons', async () => {
    const fingerprint = (leaf.certificate.fingerprint.match(/../g) ?? []).join(':').toUpperCase();
    await accepted(chain({ peer: { fingerprints: [fingerprint] } }));
  });
  test('extended key usage', async () => {
    await accepted(chain({ extendedUsages: ['1.3.6.1.5.5.7.3.2'] }));
    await refused(chain({ extendedUsages: ['1.3.6.1.5.5.7.3.1'] }), 'SECURITY_CERTIFICATE_USAGE');
  });
  test('pinned peers', async () => {
    const trust = trustPeers([leaf.certificate]);
    expect(trust.accept(leaf.certificate, at)).toBeUndefined();
    await refused(trust, 'SECURITY_CERTIFICATE_UNTRUSTED', between);
    await refused(trust, 'SECURITY_CERTIFICATE_EXPIRED', leaf, instant(Date.UTC(2041, 0)));
  });
});

describe('revocation', () => {
  const from = new Date(at - day);
  const until = new Date(at + day);
  test('a revoked leaf', async () =>
    refused(
      chain({ revocation: [await revocationList(between, [leaf], from, until)] }),
      'SECURITY_CERTIFICATE_REVOKED',
    ));
  test('a revoked issuer', async () =>
    refused(
      chain({ revocation: [await revocationList(root, [between], from, until)] }),
      'SECURITY_CERTIFICATE_REVOKED',
    ));
  test('a list that names others', async () => {
    const other = await issue({ name: 'other' }, between);
    const revocation = [await revocationList(between, [other], from, until)];
    await accepted(chain({ revocation }));
    await refused(chain({ revocation, revocationMode: 'required' }), 'SECURITY_CERTIFICATE_REVOCATION');
    const both = [...revocation, await revocationList(root, [], from, until)];
    await accepted(chain({ revocation: both, revocationMode: 'required' }));
  });
  test('a list that is out of date fails closed', async () =>
    refused(
      chain({ revocation: [await revocationList(between, [], new Date(at - 2 * day), from)] }),
      'SECURITY_CERTIFICATE_REVOCATION',
    ));
  test('the result is not remembered beyond the list', async () => {
    const trust = chain({ revocation: [await revocationList(between, [], from, new Date(at + 60_000))] });
    await accepted(trust);
    await refused(trust, 'SECURITY_CERTIFICATE_REVOCATION', leaf, instant(at + 61_000));
  });
  test('a list that somebody else signed says nothing', async () => {
    const fake = await issue({ name: 'between', ca: true });
    await accepted(chain({ revocation: [await revocationList(fake, [leaf], from, until)] }));
  });
  test('a list that cannot be read', () => {
    expect(() => chain({ revocation: [new Uint8Array([1, 2, 3])] })).toThrow(
      expect.objectContaining({ code: 'SECURITY_CERTIFICATE_REVOCATION' }),
    );
  });
});
