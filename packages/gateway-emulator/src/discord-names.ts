/**
 * The hosts of Discord that an emulator stands in for, with `names: 'discord'`. Whoever uses them leads them to the
 * emulator by a hosts file.
 */
export const discordNames = {
  /** REST. */
  api: 'discord.com',
  gateway: 'gateway.discord.gg',
  resume: 'gateway-us-east1-b.discord.gg',
  voice: 'us-east1-emulated.discord.media',
} as const;
