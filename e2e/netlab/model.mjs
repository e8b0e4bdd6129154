// A model of random weights: what it says does not matter, how long it takes does.

import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { REPOSITORY } from '../lib/processes.mjs';

export const LAYERS = 12;
const HIDDEN = 384;
const INNER = 1024;
const HEADS = 6;
const HEAD_DIM = 64;
const VOCABULARY = 4096;
/** Bytes of a row on the wire, in single precision. */
export const ROW_BYTES = HIDDEN * 4;

const SOURCE = path.join(REPOSITORY, 'models', 'fixture-untied');

const CONFIG = {
	architectures: ['LlamaForCausalLM'], model_type: 'llama', hidden_act: 'silu', hidden_size: HIDDEN,
	intermediate_size: INNER, num_hidden_layers: LAYERS, num_attention_heads: HEADS, num_key_value_heads: HEADS,
	head_dim: HEAD_DIM, vocab_size: VOCABULARY, max_position_embeddings: 512, rms_norm_eps: 1e-5, rope_theta: 10000,
	tie_word_embeddings: false, torch_dtype: 'float16', bos_token_id: 1, eos_token_id: 5,
};

/** Shapes by name. */
function shapes() {
	const all = { 'model.embed_tokens': [VOCABULARY, HIDDEN], lm_head: [VOCABULARY, HIDDEN], 'model.norm': [HIDDEN] };
	for (let layer = 0; layer < LAYERS; layer++) {
		const add = (module, ...shape) => (all[`model.layers.${layer}.${module}`] = shape);
		add('input_layernorm', HIDDEN);
		add('post_attention_layernorm', HIDDEN);
		for (const module of ['q', 'k', 'v', 'o']) add(`self_attn.${module}_proj`, HIDDEN, HIDDEN);
		add('mlp.gate_proj', INNER, HIDDEN);
		add('mlp.up_proj', INNER, HIDDEN);
		add('mlp.down_proj', HIDDEN, INNER);
	}
	return all;
}

/**
 * Writes a folder of Hugging Face form in half precision. `variant` makes it another model than the others: it
 * goes into the norm before the head, so that layers are the same.
 */
export function writeModel(folder, variant) {
	mkdirSync(folder, { recursive: true });
	writeFileSync(path.join(folder, 'config.json'), JSON.stringify(CONFIG));
	for (const file of ['tokenizer.json', 'tokenizer_config.json']) copyFileSync(path.join(SOURCE, file), path.join(folder, file));
	const header = {};
	let at = 0;
	for (const [name, shape] of Object.entries(shapes())) {
		const bytes = 2 * shape.reduce((product, size) => product * size, 1);
		header[`${name}.weight`] = { dtype: 'F16', shape, data_offsets: [at, at + bytes] };
		at += bytes;
	}
	const data = new Uint16Array(at / 2);
	let state = 1;
	for (const { shape, data_offsets: [from, to] } of Object.values(header)) {
		for (let one = from / 2; one < to / 2; one++) {
			// xorshift32 (Marsaglia 2003). A weight is ±(1 + fraction)·2⁻⁶, a norm's 1.
			state ^= state << 13;
			state ^= state >>> 17;
			state ^= state << 5;
			data[one] = shape.length === 1 ? 0x3c00 : (state & 0x83ff) | 0x2400;
		}
	}
	data[header['model.norm.weight'].data_offsets[0] / 2] = 0x3c00 + variant;
	const text = Buffer.from(JSON.stringify(header));
	const length = Buffer.alloc(8);
	length.writeBigUInt64LE(BigInt(text.length));
	writeFileSync(path.join(folder, 'model.safetensors'), Buffer.concat([length, text, Buffer.from(data.buffer)]));
}
