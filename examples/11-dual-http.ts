/**
 * WCF's WSDualHttpBinding in mode Message, over plain HTTP: a client shows its password once, and the security context that it gets for it
 * protects both ways, what the service says to its callback address too. The client listens itself, and the service dials only
 * hosts that it was told of.
 *
 *     node examples/11-dual-http.ts
 */
import { readFile } from 'node:fs/promises';
import {
  callbackClient,
  client,
  connect,
  contract,
  developmentPki,
  dispatcher,
  evidence,
  host,
  integer,
  messageSecurity,
  oneWay,
  record,
  requestReply,
  signingKey,
  text,
  wsDualHttp,
} from '../src/index.ts';

const { folder } = await developmentPki({ folder: 'certs-dev/generated' });
const file = (name: string): Promise<Buffer> => readFile(`${folder}/${name}`);

const namespace = 'urn:example:parcels';
const parcels = contract({
  name: 'Parcels',
  namespace,
  session: 'required',
  operations: {
    follow: requestReply({ request: record({ parcel: text }), reply: record({ following: integer }) }),
  },
});
const follower = contract({
  name: 'Follower',
  namespace,
  operations: {
    moved: oneWay({ request: record({ parcel: text, place: text }) }),
    handOver: requestReply({ request: record({ parcel: text }), reply: record({ to: text }) }),
  },
});

// The client knows the certificate of the service, and negotiates nothing; WCF's default suite signs with SHA-1, this one does not.
const common = {
  clientCredentialType: 'UserName',
  negotiateServiceCredential: false,
  algorithmSuite: 'Basic256Sha256',
} as const;
const key = signingKey({
  privateKey: await file('rsa/service-signing.key.pem'),
  certificate: await file('rsa/service-signing.chain.pem'),
});
const passwords = { password: (user: string) => (user === 'alice' ? 'correct horse' : undefined) };

const local = (part: string) => part.replace(/^\{.*\}/, '');
let following = 0;
const service = dispatcher(parcels, {
  async follow({ parcel }, call) {
    following += 1;
    const { user, encrypted } = call.delivery.get(evidence) ?? {};
    console.log(`${user?.name} follows ${parcel}, encrypted: ${[...(encrypted ?? [])].map(local).join(', ')}`);
    const back = callbackClient(follower, call);
    await back.moved({ parcel, place: 'Utrecht' });
    await back.moved({ parcel, place: 'Delft' });
    const { to } = await back.handOver({ parcel });
    console.log(`${parcel} is handed over to ${to}`);
    return { following };
  },
});
const here = wsDualHttp({ security: messageSecurity({ ...common, key, passwords }), replyHosts: ['127.0.0.1'] });
await using hosted = await host([{ binding: here, url: new URL('http://127.0.0.1:0/parcels'), receive: service }]);

const moves: string[] = [];
const own = dispatcher(follower, {
  moved: ({ parcel, place }, { delivery }) => {
    const under = delivery.get(evidence)?.signer?.kind;
    moves.push(`${parcel} is in ${place}, says the other end of the ${under}`);
  },
  handOver: () => ({ to: 'the neighbours' }),
});
const as = (password: string) => {
  const peer = key.certificate;
  const username = { user: 'alice', password, form: 'text' } as const;
  const security = messageSecurity({ ...common, peer, username });
  return wsDualHttp({ security, callbackAddress: new URL('http://127.0.0.1:0/called-back') });
};
const calls = client(parcels, connect(as('correct horse'), hosted.url, own));
for (const parcel of ['NL-1', 'NL-2']) console.log(`parcels followed: ${(await calls.follow({ parcel })).following}`);
await calls.close();
console.log(moves.join('\n'));

const stranger = client(parcels, connect(as('guessed'), hosted.url, own));
await stranger
  .follow({ parcel: 'NL-3' })
  .catch((error: Error & { code?: string }) => console.log(`refused: ${error.code}`));
