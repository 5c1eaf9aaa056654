/** All mutants of the reliable room. */
import { destinationMutants } from './destination.ts';
import { endMutants } from './ends.ts';
import type { Mutant } from './mutant.ts';
import { sourceMutants } from './source.ts';

export const allMutants: readonly Mutant[] = [...sourceMutants, ...destinationMutants, ...endMutants];
