/**
 * Who the bot is. A client learns it from its first READY, which a process that is given running shards may never get; so login() asks
 * Discord's REST for it, before the orchestrator is told that the process is there.
 */
import { Routes } from 'discord.js';
import type { Client } from 'discord.js';
import type { APIApplication, APIUser } from 'discord-api-types/v10';
import { makeClientUser } from './structures.js';

/** Rejects as discord.js' REST does. */
export async function learnIdentity(client: Client): Promise<void> {
  const [user, application] = await Promise.all([
    client.rest.get(Routes.user()) as Promise<APIUser>,
    client.rest.get(Routes.currentApplication()) as Promise<APIApplication>,
  ]);
  // What READY has of the application. For the rest a bot calls client.application.fetch(), as ever.
  const { id, flags } = application;
  makeClientUser(client, { ...user }, { id, flags });
}
