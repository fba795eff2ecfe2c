/**
 * An npm registry on loopback that has our packages as they would be published, and nothing else: so the Dockerfiles
 * install them with the line that everybody's would, `npm ci`, from a lock file.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename } from 'node:path';
import { run } from '@dshard/packaging';

type Packed = { readonly name: string; readonly version: string; readonly manifest: object; readonly bytes: Buffer };

export class Registry {
  readonly #server: Server;
  readonly #packages = new Map<string, Packed>();

  private constructor() {
    this.#server = createServer(({ url = '' }, response) => {
      const path = decodeURIComponent(url.split('?')[0] ?? '').slice(1);
      const tarball = [...this.#packages.values()].find((each) => path === tarballPath(each));
      if (tarball !== undefined) return response.end(tarball.bytes);
      const packed = this.#packages.get(path);
      if (packed !== undefined) return response.end(JSON.stringify(this.#document(packed)));
      response.statusCode = 404;
      return response.end('{}');
    });
  }

  static async start(tarballs: readonly string[]): Promise<Registry> {
    const registry = new Registry();
    for (const file of tarballs) {
      const { stdout } = await run('tar', ['-xzOf', file, 'package/package.json']);
      const manifest = JSON.parse(stdout) as { name: string; version: string };
      registry.#packages.set(manifest.name, { ...manifest, manifest, bytes: readFileSync(file) });
    }
    registry.#server.listen(0, '127.0.0.1');
    await once(registry.#server, 'listening');
    return registry;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  #document(packed: Packed): object {
    const { name, version, manifest, bytes } = packed;
    const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
    const dist = { tarball: `${this.url}${tarballPath(packed)}`, integrity };
    return { name, 'dist-tags': { latest: version }, versions: { [version]: { ...manifest, dist } } };
  }
}

function tarballPath({ name, version }: Packed): string {
  return `${name}/-/${basename(name)}-${version}.tgz`;
}
