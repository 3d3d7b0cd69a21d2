/** A PostgreSQL cluster of a run's own: stopping it disturbs nobody. */
import { PostgresServer } from '../../services/postgres.js';
import { PostgresCluster } from '../../services/postgres-cluster.js';
import type { Stage } from './stage.js';

/** To be called before the ground is laid. The cluster goes with the run's database. */
export async function ownDatabase(stage: Stage): Promise<PostgresCluster> {
  const cluster = await PostgresCluster.start();
  const server = new PostgresServer(cluster.url, () => cluster.remove());
  const database = await server.createDatabase('faults');
  stage.database = {
    ...database,
    drop: async () => {
      try {
        await database.drop();
      } finally {
        await cluster.remove();
      }
    },
  };
  return cluster;
}
