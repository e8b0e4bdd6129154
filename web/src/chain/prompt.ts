// How the chain counts a public prompt (`job.rs` of dllm-primitives).

/** Tokens that the chat template may put around a public prompt; they count in the ceiling of its price. */
export const TEMPLATE_TOKENS = 32;
/** Bytes of a public prompt at most. */
export const MAX_PROMPT_BYTES = 4096;

/** Bytes of a prompt as UTF-8. */
export function promptBytes(prompt: string): number {
	return new TextEncoder().encode(prompt).length;
}
