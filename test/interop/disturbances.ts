/** What a network does to a sequence, by name: plans for the relay, the same for every peer and in both directions. */
import type { Course } from './course.ts';
import { drawn, type Mishap, type Plan } from './relay.ts';

export interface Disturbance {
  /** In the words of a row; what is lost with an answer depends on the operation. */
  readonly what: (operation: Course['operation']) => string;
  readonly plan: () => Plan;
  /** Whether an answer gets lost: not every peer gives it again. */
  readonly losesAnswers: boolean;
  /** What it means something for; both where not given. */
  readonly operation?: Course['operation'];
}

/** The first two exchanges pass, and those at the end, which some peers cannot repeat. */
const every = (nth: number, mishap: Mishap): Plan => {
  return (exchange) => (exchange > 2 && exchange <= 12 && exchange % nth === 0 ? mishap : undefined);
};

const answersLost: Disturbance = {
  what: (operation) => `${operation === 'echo' ? 'answers' : 'acknowledgements'} lost on the way`,
  plan: () => every(2, 'answer lost'),
  losesAnswers: true,
};

/** What gets lost whole: every second message, or what answers it. */
export const losses: readonly Disturbance[] = [
  { what: () => 'every second message lost on the way', plan: () => every(2, 'request lost'), losesAnswers: false },
  answersLost,
  {
    what: () => 'requests and answers lost on the way as a seed has it',
    plan: () => drawn(8, 0.5, ['request lost', 'answer lost'], 12),
    losesAnswers: true,
  },
];

export const disturbances: readonly Disturbance[] = [
  answersLost,
  { what: () => 'messages repeated on the way', plan: () => every(2, 'request repeated'), losesAnswers: false },
  {
    what: () => 'connections broken in the middle of a request',
    plan: () => drawn(6, 0.5, ['request cut'], 12),
    losesAnswers: false,
  },
  {
    what: () => 'connections broken in the middle of an answer',
    plan: () => drawn(7, 0.5, ['answer cut'], 12),
    losesAnswers: true,
  },
  {
    what: () => 'messages overtaken on the way',
    plan: () => every(3, 'request late'),
    losesAnswers: false,
    operation: 'notify',
  },
];
