/**
 * The version before, built from the repository's history: what upgrades are tried with. Its dependencies are those
 * that are installed here, where both lock files agree on them; where they do not, it gets its own by `npm ci`.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** The last commit before orchestrators could be on several hosts. The policy of upgrades begins here. */
const OLD_VERSION = '423fbf29';

export type OldVersion = { folder: string; remove(): void };

type Lock = { packages: Record<string, { version?: string; link?: boolean }> };

export function buildOldVersion(): OldVersion {
  const folder = mkdtempSync(join(tmpdir(), 'dso-old-version-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const archive = execFileSync('git', ['archive', OLD_VERSION], { cwd: ROOT, maxBuffer: 2 ** 30 });
    execFileSync('tar', ['-x', '-C', folder], { input: archive });
    if (sharesDependencies(folder)) linkDependencies(folder);
    else execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'pipe' });
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    execFileSync(process.execPath, [tsc, '-b', 'packages/cli', 'packages/orchestrator', 'packages/node'], {
      cwd: folder,
      stdio: 'pipe',
    });
    return { folder, remove };
  } catch (error) {
    remove();
    const { stdout = '', stderr = '' } = Object(error) as { stdout?: Buffer | string; stderr?: Buffer | string };
    const said = `${String(stdout)}${String(stderr)}`;
    throw new Error(`Version ${OLD_VERSION} could not be built: ${said}`, { cause: error });
  }
}

/** Whether the commit is there. A checkout without its history cannot try upgrades, and says so. */
export function hasHistory(): boolean {
  try {
    execFileSync('git', ['cat-file', '-e', `${OLD_VERSION}^{commit}`], { cwd: ROOT, stdio: 'pipe' });
    return true;
  } catch {
    process.stderr.write(
      `NOT RUN: upgrades. The commit ${OLD_VERSION}, from which they are tried, is not in this checkout: git fetch --unshallow.\n`,
    );
    return false;
  }
}

function sharesDependencies(folder: string): boolean {
  const lockOf = (where: string): Lock => JSON.parse(readFileSync(join(where, 'package-lock.json'), 'utf8')) as Lock;
  const [ours, theirs] = [lockOf(ROOT).packages, lockOf(folder).packages];
  return Object.entries(theirs).every(
    ([path, { version, link }]) => !path.includes('node_modules/') || link === true || ours[path]?.version === version,
  );
}

/** Each dependency is ours; the packages of the workspace are its own. */
function linkDependencies(folder: string): void {
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, '@dshard'), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (name !== '@dshard') symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
  for (const name of readdirSync(join(folder, 'packages'))) {
    symlinkSync(join(folder, 'packages', name), join(modules, '@dshard', name));
    const own = join(ROOT, 'packages', name, 'node_modules');
    try {
      symlinkSync(own, join(folder, 'packages', name, 'node_modules'));
    } catch {
      // It has one of its own, which a checkout does not.
    }
  }
}
