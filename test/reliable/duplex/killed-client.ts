/** A client that sends COUNT messages and hears what comes back, until it is done or killed: `killed-client.ts PORT STORE COUNT`. */
import { writeSync } from 'node:fs';
import { connect } from '../../../src/channel/binding.ts';
import { expectsReply } from '../../../src/channel/correlation.ts';
import { delivery } from '../../../src/channel/delivery.ts';
import { position } from '../../../src/reliable/position.ts';
import { bindingOf, saying } from './killed-parts.ts';
import { textOf } from './world.ts';

const [, , port = '', path = '', count = '0'] = process.argv;
const to = new URL(`ws://127.0.0.1:${port}/box`);
let submitted = 0;
const onSession = (view: { readonly submitted: number }) => {
  submitted = view.submitted;
};
const channel = connect(bindingOf(path, { to, label: 'orders', onSession }), to, async (trip) => {
  writeSync(1, `called ${trip.get(position)?.number} ${textOf(trip.message)}\n`);
  return undefined;
});
await channel.open();
for (let number = submitted + 1; number <= Number(count); number += 1) {
  await channel.send(delivery(saying(`message-${number}`)).with(expectsReply, false));
}
await channel.close();
writeSync(1, 'done\n');
process.exit(0);
