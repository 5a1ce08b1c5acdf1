import { type Command, Option } from 'commander'
import { stringify } from 'yaml'

export const formats = ['table', 'json', 'yaml'] as const
export type Format = (typeof formats)[number]

/** `-o`; a verb may know more formats than these. */
export const outputOption = (choices: readonly string[] = formats): Option =>
  new Option('-o, --output <format>', 'format').choices(choices).default('table')

/** For machines. YAML is written so that readers of YAML 1.1, such as kubectl, take texts for texts. */
export const serialized = (value: unknown, format: 'json' | 'yaml'): string =>
  format === 'json' ? `${JSON.stringify(value, undefined, 2)}\n` : stringify(value, { version: '1.1', lineWidth: 0 })

/** Which cluster and namespace, and as whom: what every command may be told. */
export const withConnection = (command: Command): Command =>
  connectionOptions(command.option('-n, --namespace <namespace>', 'default: that of the kubeconfig’s context'))

/** Which cluster, and as whom. */
export const connectionOptions = (command: Command): Command =>
  command
    .option('--kubeconfig <path>', 'default: KUBECONFIG, then ~/.kube/config')
    .option('--context <name>', 'of the kubeconfig; default: its current one')
    .option('--token <token>', 'bearer token to show instead of the kubeconfig’s')
