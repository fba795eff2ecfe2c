/** Both spools keep the same promises; the one on a disk keeps its files to itself besides. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { memorySpool } from '../../src/adapters/memory/memory-spool.js';
import { fileSpool } from '../../src/adapters/spool/file-spool.js';
import type { StateSpool } from '../../src/ports/state-spool.js';
import { recordingLogger } from '../recording-logger.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dso-spool-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => at % 251);

async function contentOf(spool: StateSpool, file: string): Promise<Buffer> {
  const reader = await spool.open(file);
  const pieces: Uint8Array[] = [];
  for (let piece = await reader.read(); piece !== null; piece = await reader.read()) pieces.push(piece);
  await reader.close();
  return Buffer.concat(pieces);
}

describe.each([
  ['on a disk', () => fileSpool(join(folder, 'parked'), recordingLogger())],
  ['in memory', () => memorySpool()],
])('a spool %s', (_, make) => {
  test('gives back what was written, in order, however it is cut', async () => {
    const spool = make();
    const writer = await spool.create('m1-1');
    await writer.write(bytes(70_000));
    await writer.write(bytes(3));
    await writer.finish();
    expect(await spool.files()).toEqual([{ file: 'm1-1', bytes: 70_003 }]);
    expect(await contentOf(spool, 'm1-1')).toEqual(Buffer.concat([bytes(70_000), bytes(3)]));
  });

  test('refuses to write a file twice, and to open one that is not there', async () => {
    const spool = make();
    await (await spool.create('m1-1')).finish();
    await expect(spool.create('m1-1')).rejects.toThrow();
    await expect(spool.open('m1-2')).rejects.toThrow();
  });

  test('removes a file, also one that is not there', async () => {
    const spool = make();
    await (await spool.create('m1-1')).finish();
    await spool.remove('m1-1');
    await spool.remove('m1-1');
    expect(await spool.files()).toEqual([]);
  });

  test('has nothing, and some room, before anything was written', async () => {
    const spool = make();
    expect(await spool.files()).toEqual([]);
    expect(await spool.freeBytes()).toBeGreaterThan(0);
  });
});

describe('a spool on a disk', () => {
  test('makes its directory when it is needed, for its owner only', async () => {
    const spool = fileSpool(join(folder, 'parked'), recordingLogger());
    expect(readdirSync(folder)).toEqual([]);
    await (await spool.create('m1-1')).finish();
    expect(statSync(join(folder, 'parked')).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, 'parked', 'm1-1.state')).mode & 0o777).toBe(0o600);
  });

  test('takes no name that leads out of its directory, whatever a record of the store says', async () => {
    mkdirSync(join(folder, 'parked'));
    const spool = fileSpool(join(folder, 'parked'), recordingLogger());
    await expect(spool.open('../state')).rejects.toThrow('not the name of a file');
    await expect(spool.create('a/b')).rejects.toThrow('not the name of a file');
  });
});
