// Writes the reference pages of the book from the programs themselves: `make docs`. With a folder as argument
// it writes them there, for the test that compares.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { binary, REPOSITORY, run } from '../e2e/lib/processes.mjs';

const source = (name) => readFileSync(path.join(REPOSITORY, name), 'utf8');
const NOTE = '<!-- Written by `make docs`: change the program instead. -->\n';

/** What a command says of itself when asked with `flag`, and its subcommands after it. */
async function helpOf(program, flag, words = []) {
	const { stdout } = await run(binary(program), [...words, flag], { env: { COLUMNS: '100' } });
	// The common options stand on the first page only.
	const text = words.length === 0 ? stdout : stdout.split('\nCommon options:\n')[0];
	const section = `${'#'.repeat(words.length + 2)} ${[program, ...words].join(' ')}\n\n\`\`\`text\n${text.trim()}\n\`\`\``;
	const commands = stdout.match(/^Commands:\n((?: {2}.*\n)+)/m)?.[1] ?? '';
	const names = [...commands.matchAll(/^ {2}(\S+)/gm)].map(([, name]) => name).filter((name) => name !== 'help');
	const below = [];
	for (const name of names) below.push(await helpOf(program, flag, [...words, name]));
	return [section, ...below].join('\n\n');
}

async function cli() {
	// Values of the environment that runs this must not stand in the page.
	for (const name of Object.keys(process.env)) if (name.startsWith('DLLM_') && name !== 'DLLM_BIN') delete process.env[name];
	// The node has the many options of every Substrate node: a line each; `--help` tells more of them.
	const [worker, node] = [await helpOf('dllm-worker', '--help'), await helpOf('dllm-node', '-h')];
	return `# Commands\n\n${NOTE}\n${worker}\n\n${node}\n`;
}

/** Keys of worker.example.toml, whose defaults a test compares with the program. */
function config() {
	const [head, ...blocks] = source('inference-worker/worker.example.toml').trim().split('\n\n');
	let table = '';
	const sections = blocks.map((block) => {
		const lines = block.split('\n');
		const opened = lines.at(-1).match(/^\[(\w+)\]$/)?.[1];
		if (opened) {
			table = `${opened}.`;
			return `# ${lines.at(-1)}\n\n${lines.slice(0, -1).map((line) => line.replace(/^# ?/, '')).join(' ')}`;
		}
		const at = lines.findIndex((line) => /^(# )?[a-z_]+ = /.test(line));
		const words = lines.slice(0, at).map((line) => line.replace(/^# ?/, ''));
		const value = lines.slice(at).join('\n').replace(/^# /, '');
		const [key] = value.split(' ');
		const kind = lines[at].startsWith('#') ? 'Example; unset by default:' : 'Default:';
		return `## ${table}${key}\n\n${words.join(' ')}\n\n${kind}\n\n\`\`\`toml\n${value}\n\`\`\``;
	});
	const intro = head.split('\n').map((line) => line.replace(/^# ?/, '')).join(' ');
	return `# Configuration\n\n${NOTE}\n${intro}\n\n${sections.join('\n\n')}\n`;
}

/** The files with the traits that serve the `dllm` namespace. */
export const RPC_SOURCES = ['node/src/rpc/dllm.rs', 'node/src/rpc/poaw.rs'];

/** The methods of the `dllm` namespace, from the traits that serve them. */
function rpc() {
	const traits = RPC_SOURCES.map((file) => source(file).match(/pub trait \w+ \{\n([\s\S]*?)\n\}/)[1]).join('\n');
	const methods = [...traits.matchAll(/((?:\t\/\/\/.*\n)+)\t#\[(method|subscription)\(([\s\S]*?)\)\]\n\t(?:async )?fn \w+\(([\s\S]*?)\)(?: -> RpcResult<([\s\S]*?)>)?;/g)];
	const sections = methods.map(([, docs, kind, attributes, parameters, answer]) => {
		const name = attributes.match(/name = "(\w+)"/)[1];
		const item = attributes.match(/item = ([\w<>]+)/)?.[1];
		const words = docs.trim().split('\n').map((line) => line.trim().replace(/^\/\/\/ ?/, '')).join(' ');
		const takes = parameters.replace(/\s+/g, ' ').replace(/ ?&self,? ?/, '').replace(/,? ?$/, '') || 'nothing';
		const gives = kind === 'method' ? `Answers \`${answer}\`.` : `Sends \`${item}\`; \`dllm_un${name}\` ends it.`;
		return `## dllm_${name}\n\n${words}\n\nTakes \`${takes}\`. ${gives}`;
	});
	const names = '`author`, `chain`, `state`, `system`, `chainHead`, `transaction`, `payment`, `babe`, `grandpa` and `sync_state`';
	return `# RPC\n\n${NOTE}\nOver HTTP and WebSocket on port 9944. Beside these methods a node answers the SDK's ${names}. \`at\` is the hash of a block; the best one where left out. The types are those of \`dllm_primitives::api\`, as JSON in camelCase; amounts of planck are texts.\n\n${sections.join('\n\n')}\n`;
}

/** Every generated page by its name below docs/. */
export async function pages() {
	return { 'reference/cli.md': await cli(), 'reference/config.md': config(), 'reference/rpc.md': rpc() };
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
	for (const [name, text] of Object.entries(await pages())) {
		const file = path.join(REPOSITORY, 'docs', name);
		mkdirSync(path.dirname(file), { recursive: true });
		writeFileSync(file, text);
	}
}
