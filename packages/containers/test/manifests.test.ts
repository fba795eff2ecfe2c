import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { Namespace } from 'kubernetes-models/v1/Namespace';
import { PersistentVolumeClaim } from 'kubernetes-models/v1/PersistentVolumeClaim';
import { Secret } from 'kubernetes-models/v1/Secret';
import { Service } from 'kubernetes-models/v1/Service';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';

/**
 * The manifests of deploy/kubernetes against the schemas of Kubernetes, which the package kubernetes-models has, and
 * against what the bot's Dockerfile and each other say.
 */
const FOLDER = fileURLToPath(new URL('../../../deploy/kubernetes/', import.meta.url));
const MODELS = { Deployment, NetworkPolicy, PodDisruptionBudget, Namespace, PersistentVolumeClaim, Secret, Service };

// What the tests read of a document; the schemas see to the rest.
type Variable = { name: string; value?: string; valueFrom?: { secretKeyRef?: { key: string } } };
type Container = {
  env: Variable[];
  ports: { name: string; containerPort: number }[];
  lifecycle?: object;
  startupProbe: { httpGet: object };
  readinessProbe?: { httpGet: object };
  livenessProbe: { httpGet: object };
  securityContext: object;
};
type PodSpec = { terminationGracePeriodSeconds: number; securityContext: object; containers: Container[] };
type DeploymentSpec = {
  replicas: unknown;
  minReadySeconds: number;
  strategy: { rollingUpdate: object };
  template: { spec: PodSpec };
};
type Document = { apiVersion: string; kind: keyof typeof MODELS; metadata: { name: string }; spec: DeploymentSpec };

function documentsOf(file: string): Document[] {
  return parseAllDocuments(readFileSync(`${FOLDER}${file}`, 'utf8')).map((each) => each.toJS() as Document);
}

const { resources, namespace } = parse(readFileSync(`${FOLDER}kustomization.yaml`, 'utf8')) as {
  resources: string[];
  namespace: string;
};
const all = resources.flatMap((file) => documentsOf(file).map((document) => ({ file, document })));
const deployment = (name: string): DeploymentSpec =>
  all.find(({ document: { kind, metadata } }) => kind === 'Deployment' && metadata.name === name)!.document.spec;

function valueOf({ env }: Container, variable: string): string {
  return env.find(({ name }) => name === variable)?.value ?? '';
}

function validate(document: Document): void {
  const Model = MODELS[document.kind];
  expect(Model, `a model of ${document.kind}`).toBeDefined();
  expect(document.apiVersion).toBe(Model.apiVersion);
  // Which model it is, the kind says.
  const Any = Model as unknown as new (document: Document) => { validate(): void };
  new Any(document).validate();
}

describe('the manifests of deploy/kubernetes', () => {
  test('the kustomization names every file', () => {
    const files = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml') && name !== 'kustomization.yaml');
    expect([...resources].toSorted()).toEqual(files.toSorted());
  });

  test.each(all.map(({ file, document }) => [`${document.kind} ${document.metadata.name}`, file, document] as const))(
    '%s in %s fits the schema of Kubernetes',
    (_name, _file, document) => {
      validate(document);
    },
  );

  // A standby is alive and not ready: by /readyz an update would never see its second ready pod.
  test('an orchestrator is probed by /livez alone', () => {
    const [{ startupProbe, livenessProbe, readinessProbe }] = deployment('dso-orchestrator').template.spec
      .containers as [Container];
    expect([startupProbe, livenessProbe].map(({ httpGet }) => httpGet)).toEqual([
      { path: '/livez', port: 'http' },
      { path: '/livez', port: 'http' },
    ]);
    expect(readinessProbe).toBeUndefined();
  });

  test('a fault in a manifest is found by these schemas', () => {
    const bot = structuredClone(all.find(({ document }) => document.kind === 'Deployment')!.document);
    bot.spec.replicas = 'three';
    expect(() => validate(bot)).toThrow(/replicas/);
  });

  test('a rolling update of the bot starts the new pod first, and gives it time to prove itself', () => {
    const bot = deployment('bot');
    expect(bot.strategy.rollingUpdate).toEqual({ maxSurge: 1, maxUnavailable: 0 });
    expect(bot.minReadySeconds).toBe(10);
  });

  test('the bot has more time to leave than it takes, and no preStop hook eats it up', () => {
    const { terminationGracePeriodSeconds, containers } = deployment('bot').template.spec;
    const container = containers[0]!;
    const deadline = valueOf(container, 'DSO_LEAVE_DEADLINE');
    expect(Number.parseInt(deadline, 10)).toBeLessThan(terminationGracePeriodSeconds);
    expect(terminationGracePeriodSeconds).toBe(60);
    expect(container.lifecycle).toBeUndefined();
  });

  test('probes ask at the port where the bot answers them', () => {
    const container = deployment('bot').template.spec.containers[0]!;
    const listen = valueOf(container, 'DSO_HEALTH_LISTEN');
    const port = container.ports.find(({ name }) => name === 'health')?.containerPort;
    expect(listen).toBe(`0.0.0.0:${port}`);
    expect(container.readinessProbe?.httpGet).toEqual({ path: '/readyz', port: 'health' });
    expect(container.livenessProbe.httpGet).toEqual({ path: '/livez', port: 'health' });
  });

  test('every pod is made for the restricted pod security standard', () => {
    expect(namespace).toBe('bots');
    for (const name of ['bot', 'dso-orchestrator', 'postgres']) {
      const { securityContext, containers } = deployment(name).template.spec;
      expect(securityContext, name).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      for (const container of containers) {
        expect(container.securityContext, name).toMatchObject({
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
        });
      }
    }
  });

  test('secrets that pods ask for are in the Secret', () => {
    const secret = documentsOf('secret.yaml')[0] as unknown as { stringData: Record<string, string> };
    const keys = ['bot', 'dso-orchestrator', 'postgres'].flatMap((name) =>
      deployment(name)
        .template.spec.containers[0]!.env.map((each) => each.valueFrom?.secretKeyRef?.key)
        .filter((key) => key !== undefined),
    );
    expect(new Set(keys)).toEqual(new Set(Object.keys(secret.stringData)));
  });
});
