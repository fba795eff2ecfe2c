import { debianPostgres, packagedPostgres } from '@dshard/testkit';
import { describe, onTestFinished } from 'vitest';
import { storeConformance } from '../store-conformance.js';
import { postgresFor, smallDisk } from './server.js';

const probe = smallDisk(null);
probe?.remove();

const debian = debianPostgres();
const homes = { postgres: packagedPostgres, ...(debian && { 'postgres 15': () => debian }) };

for (const [name, home] of Object.entries(homes)) {
  describe(`${name}, a real server`, () => {
    const postgres = postgresFor(home);

    storeConformance(name, probe !== null, () => {
      const schema = postgres.newSchema();
      return {
        open: (options = {}) => postgres.open(schema, options),
        async pass(ms) {
          await postgres.sql(
            `UPDATE ${schema}.leader SET lease_until = lease_until - ${ms} * interval '1 ms',
               ahead_of_database_ms = ahead_of_database_ms + ${ms}`,
          );
        },
        async fill() {
          const disk = smallDisk(postgres.server.user);
          if (disk === null) throw new Error('There is no small disk.');
          onTestFinished(async () => {
            await postgres.sql(`DROP SCHEMA ${schema} CASCADE; CHECKPOINT`);
            await postgres.sql(`DROP TABLESPACE small_${schema}`);
            disk.remove();
          });
          await postgres.sql(`CREATE TABLESPACE small_${schema} LOCATION '${disk.path}'`);
          for (const table of ['records', 'history']) {
            await postgres.sql(`ALTER TABLE ${schema}.${table} SET TABLESPACE small_${schema}`);
          }
          disk.fill();
          return () => disk.empty();
        },
      };
    });
  });
}
