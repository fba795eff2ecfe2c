/** A track is played to its end before its shard leaves; the next one is played by the next process. */

/** The voice library speaks TLS only. */
export const emulator = { tls: true };

export async function check({ emulator: { admin }, ask, until, rollOut }) {
  const packets = () => admin.status().voice[0]?.server?.packets ?? 0;
  const playing = async () =>
    /^(?:Track (\d+)|Nothing) plays, at (\d+) s, voice (\w+), says process (\d+)$/.exec(await ask('!playing')).slice(1);
  const plays = async () => {
    await until('voice to be ready', async () => (await playing())[2] === 'ready');
    const before = packets();
    await until('sound', () => packets() > before);
    return playing();
  };
  await ask('!play 12');
  await ask('!play 600');
  const before = await plays();
  await rollOut();
  const after = await plays();
  const told = ([track, , voice, process]) => `track ${track}, voice ${voice}, process ${process}`;
  console.log(`Before the rollout: ${told(before)}; after it: ${told(after)}.`);
  if (after[0] !== '2' || after[3] === before[3]) throw new Error('The music did not go on in another process.');
  await rollOut();
  const later = await plays();
  if (Number(later[1]) < Number(after[1]) || later[3] === after[3]) throw new Error('The track began anew.');
}
