/**
 * The shipped manifests as podman 4.3 can play them. It has pods, volumes, signals and grace; it has no Services, no
 * `spec.nodeName`, publishes every container's port on the machine, and asks probes by a program that is not in the
 * image. So names lead to fixed addresses, and whoever plays the kubelet asks the probes.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { BOT_ENVIRONMENT, DISCORD_FOLDER, HOSTS, REPORTS_FOLDER, TRUST } from './discord.js';
import { DEPLOY } from './project.js';

export const NETWORK = 'dso';
export const SUBNET = '10.98.0.0/24';
export const ADDRESSES = {
  postgres: '10.98.0.10',
  orchestrators: ['10.98.0.20', '10.98.0.21'],
  bots: ['10.98.0.30', '10.98.0.31', '10.98.0.32', '10.98.0.33'],
} as const;

export type Replace = { readonly name: string; readonly image?: string; readonly replicas?: number };

type Variable = { name: string; value?: string; valueFrom?: { fieldRef?: { fieldPath: string } } };
type Container = {
  image: string;
  env: Variable[];
  volumeMounts?: object[];
};
type PodSpec = { hostAliases?: object[]; containers: Container[]; volumes?: object[] };
type Document = {
  kind: string;
  metadata: { name: string };
  spec: { replicas: number; template: { spec: PodSpec } };
};

/** YAML: what of the file podman plays. `folders`: on this machine. */
export function playable(file: string, change: Replace, folders: { trust: string; reports: string }): string {
  const documents = parseAllDocuments(readFileSync(join(DEPLOY, 'kubernetes', file), 'utf8'));
  return documents
    .map((each) => each.toJS() as Document)
    .filter(({ kind }) => kind === 'Deployment' || kind === 'PersistentVolumeClaim')
    .map((document) => stringify(document.kind === 'Deployment' ? played(document, change, folders) : document))
    .join('---\n');
}

function played(document: Document, change: Replace, folders: { trust: string; reports: string }): Document {
  const { spec: pod } = document.spec.template;
  const [container] = pod.containers;
  if (container === undefined) throw new Error(`${document.metadata.name} has no container.`);
  const isBot = document.metadata.name === 'bot';
  const added = { ...TRUST, ...(isBot && BOT_ENVIRONMENT) };
  const mounts = { trust: DISCORD_FOLDER, ...(isBot && { reports: REPORTS_FOLDER }) };
  return {
    ...document,
    metadata: { ...document.metadata, name: change.name },
    spec: {
      ...document.spec,
      replicas: change.replicas ?? document.spec.replicas,
      template: {
        ...document.spec.template,
        spec: {
          ...pod,
          hostAliases: aliases(),
          containers: [
            {
              ...withoutProbes(container),
              image: change.image ?? container.image,
              env: [
                ...container.env.map(withoutNodeName),
                ...Object.entries(added).map(([name, value]) => ({ name, value })),
              ],
              volumeMounts: [
                ...(container.volumeMounts ?? []),
                ...Object.entries(mounts).map(([name, mountPath]) => ({ name, mountPath })),
              ],
            },
          ],
          volumes: [
            ...(pod.volumes ?? []),
            ...Object.keys(mounts).map((name) => ({
              name,
              hostPath: { path: folders[name as keyof typeof folders], type: 'Directory' },
            })),
          ],
        },
      },
    },
  };
}

/** Discord's names, and what Services are called. */
function aliases(): object[] {
  const orchestrators = ADDRESSES.orchestrators.map((ip) => ['dso-orchestrator', ip] as const);
  const services = [['postgres', ADDRESSES.postgres] as const, ...orchestrators];
  return [...HOSTS, ...services].map(([name, ip]) => ({ ip, hostnames: [name] }));
}

function withoutProbes(container: Container): Partial<Container> {
  const left = new Set(['ports', 'startupProbe', 'livenessProbe', 'readinessProbe']);
  return Object.fromEntries(Object.entries(container).filter(([key]) => !left.has(key)));
}

function withoutNodeName(variable: Variable): Variable {
  const { name, valueFrom } = variable;
  return valueFrom?.fieldRef?.fieldPath === 'spec.nodeName' ? { name, value: 'a-host' } : variable;
}
