/** What a webhook is sent. There are no secrets in it: sentences, times, and ids of nodes and shards. */
import { shardRanges } from '@dshard/api';
import { counted } from '@dshard/protocol';
import type { AlarmNotice } from '../../ports/surroundings.js';

export type WebhookFormat = 'json' | 'discord';

export type WebhookNews = {
  notices: readonly AlarmNotice[];
  /** So many older ones were left out. */
  dropped: number;
  version: string;
  at: number;
};

/** Documented in docs/reference/health.md; fields are only ever added. */
export function bodyOf(format: WebhookFormat, news: WebhookNews): object {
  return format === 'discord' ? discordBody(news) : jsonBody(news);
}

function jsonBody({ notices, dropped, version, at }: WebhookNews): object {
  const alarms = notices.map(({ event, alarm }) => ({ event, ...alarm }));
  return { source: 'dshardorchestrator', version, at, dropped, alarms };
}

const RED = 0xd83c3e;
const YELLOW = 0xfaa61a;
const GREEN = 0x3ba55c;
const MOST_IDS = 200;

/** https://discord.com/developers/docs/resources/webhook#execute-webhook; nobody is mentioned, whatever a text says. */
function discordBody({ notices, dropped, at }: WebhookNews): object {
  const embeds = notices.map(({ event, alarm }) => {
    const { kind, level, reason, remedy, shards, nodes, since } = alarm;
    const isRaised = event === 'raised';
    const about = [
      ...(shards.length === 0 ? [] : [{ name: 'Shards', value: shardRanges(shards.slice(0, MOST_IDS), '–') }]),
      ...(nodes.length === 0 ? [] : [{ name: 'Nodes', value: nodes.slice(0, MOST_IDS).join(', ') }]),
    ];
    return {
      title: isRaised ? `Alarm: ${kind}` : `Over: ${kind}`,
      description: cut(isRaised ? `${reason}\n${remedy}` : `It was: ${reason}`, 2_000),
      color: isRaised ? (level === 'error' ? RED : YELLOW) : GREEN,
      fields: about.map(({ name, value }) => ({ name, value: cut(value, 500), inline: true })),
      timestamp: new Date(isRaised ? since : at).toISOString(),
    };
  });
  const content = dropped === 0 ? {} : { content: `Left out: ${counted(dropped, 'older notice')}.` };
  return { username: 'dshardorchestrator', allowed_mentions: { parse: [] }, ...content, embeds: fitting(embeds) };
}

/** Discord takes 6,000 characters in all embeds of a message together. */
const MOST_CHARACTERS = 5_500;

function fitting<E extends { title: string; description: string; fields: readonly { value: string }[] }>(
  embeds: readonly E[],
): E[] {
  const each = Math.floor(MOST_CHARACTERS / Math.max(1, embeds.length));
  return embeds.map((embed) => {
    const rest = embed.title.length + embed.fields.reduce((sum, { value }) => sum + value.length + 10, 0);
    if (rest + embed.description.length <= each) return embed;
    return { ...embed, fields: [], description: cut(embed.description, Math.max(100, each - embed.title.length)) };
  });
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
