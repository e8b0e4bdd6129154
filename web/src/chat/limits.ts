// What a public prompt may be, before it is signed.

import { MAX_PROMPT_BYTES, promptBytes, TEMPLATE_TOKENS } from '../chain/prompt';
import type { Model } from '../chain/views';

/** Why a prompt cannot be asked; nothing where it can. The chain counts a token a byte. */
export function lengthProblem(prompt: string, maxTokens: number, model?: Model): string | undefined {
	if (!model) return undefined;
	const bytes = promptBytes(prompt);
	const [have, may] = [bytes, MAX_PROMPT_BYTES].map((count) => count.toLocaleString('en-US'));
	if (bytes > MAX_PROMPT_BYTES) return `The prompt has ${have} bytes; a public one may have ${may}.`;
	if (bytes + TEMPLATE_TOKENS + maxTokens <= model.maxContext) return undefined;
	return `Prompt and reply do not fit the ${model.maxContext.toLocaleString('en-US')} tokens of ${model.name}. Shorten the prompt or the reply.`;
}
