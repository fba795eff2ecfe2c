/** What people ask the bot, and the answers they get: every question has to be answered once. */
import type { GatewayEmulator, RestAction } from '@dshard/gateway-emulator';
import { delay, type Cancel, type Clock } from '@dshard/transport';

type Discord = Pick<GatewayEmulator, 'people' | 'posted' | 'world'>;

export type Question = {
  /** Of the message or the interaction. */
  id: string;
  /** What was asked, for people: `/toil`, `!ping`. */
  what: string;
  guildId: string;
  askedAt: number;
};

export type Answer = { text: string; messageId: string; channelId: string; at: number };

export type Toll = {
  asked: number;
  /** Questions without an answer. */
  lost: Question[];
  /** Questions with more than one. */
  repeated: Question[];
  /** The longest that an answer took. */
  slowestMs: number;
};

const pollMs = 50;

export class Questions {
  readonly #discord: Discord;
  readonly #clock: Clock;

  constructor(discord: Discord, clock: Clock) {
    this.#discord = discord;
    this.#clock = clock;
  }

  /** Uses a slash command. Throws when the bot has not registered it. */
  command(name: string, guildId: string): Question {
    return this.#note(this.#discord.people.useCommand(name, {}, { guildId }).id, `/${name}`, guildId);
  }

  message(content: string, guildId: string): Question {
    return this.#note(this.#discord.people.say(content, { guildId }).id, content, guildId);
  }

  press(customId: string, on: Answer, guildId: string): Question {
    const place = { guildId, channelId: on.channelId };
    return this.#note(this.#discord.people.press(customId, on.messageId, place).id, `button ${customId}`, guildId);
  }

  answersTo(question: Question): Answer[] {
    return this.#answers().get(question.id) ?? [];
  }

  /** Waits for the first answer; null when none came in time. */
  async answer(question: Question, timeoutMs: number): Promise<Answer | null> {
    await this.allAnswered([question], timeoutMs);
    return this.answersTo(question)[0] ?? null;
  }

  /** Resolves when all are answered, or the time is over. */
  async allAnswered(questions: readonly Question[], timeoutMs: number): Promise<void> {
    const deadline = this.#clock.monotonicMs() + timeoutMs;
    const waits = (): boolean => {
      const answers = this.#answers();
      return questions.some(({ id }) => !answers.has(id));
    };
    while (waits() && this.#clock.monotonicMs() < deadline) await delay(this.#clock, pollMs);
  }

  toll(questions: readonly Question[]): Toll {
    const answers = this.#answers();
    const of = ({ id }: Question): Answer[] => answers.get(id) ?? [];
    const took = questions.flatMap((question) => of(question).map(({ at }) => at - question.askedAt));
    return {
      asked: questions.length,
      lost: questions.filter((question) => of(question).length === 0),
      repeated: questions.filter((question) => of(question).length > 1),
      slowestMs: Math.max(0, ...took),
    };
  }

  /** By the id of what was asked. A deferral is no answer yet. */
  #answers(): Map<string, Answer[]> {
    const answers = new Map<string, Answer[]>();
    for (const action of this.#discord.posted.list({ kind: 'message' })) {
      const to = action.interactionId ?? action.message?.message_reference?.message_id;
      if (to === undefined) continue;
      const known = answers.get(to);
      if (known === undefined) answers.set(to, [answerOf(action)]);
      else known.push(answerOf(action));
    }
    return answers;
  }

  #note(id: string, what: string, guildId: string): Question {
    return { id, what, guildId, askedAt: this.#clock.now() };
  }
}

function answerOf({ message, channelId, at }: RestAction): Answer {
  return { text: message?.content ?? '', messageId: message?.id ?? '', channelId, at };
}

/** Questions at a steady pace, for as long as something else goes on. */
export class Steady {
  readonly questions: Question[] = [];
  readonly #cancel: Cancel;
  #turn = 0;

  /** `ask` is given 0, 1, 2, …; it may have nothing to ask. */
  constructor(clock: Clock, everyMs: number, ask: (turn: number) => Question | null) {
    this.#cancel = clock.every(everyMs, () => {
      const question = ask(this.#turn++);
      if (question !== null) this.questions.push(question);
    });
  }

  stop(): void {
    this.#cancel();
  }
}
