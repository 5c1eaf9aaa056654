import { memory } from '../../src/stores/memory.ts';
import { storeContract } from '../contracts/store.ts';

storeContract({
  name: 'memory',
  durable: false,
  locate: (options) => ({ open: () => memory(options) }),
});
