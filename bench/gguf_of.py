"""Writes the weights of a Llama folder as a GGUF file of Q4_0, the way llama.cpp's own tools do it.

Usage: gguf_of.py FOLDER OUT.gguf. First a file in half precision with the names and the order of rows that
llama.cpp expects, then its own quantisation to Q4_0 (which keeps the output matrix in Q6_K). The tokenizer
is a dummy, as only tokens are sent.
"""

import ctypes
import json
import os
import sys

import gguf
import llama_cpp
import numpy
from safetensors import safe_open

LAYER = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
WHOLE = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


def name_of(name):
    module = name.removesuffix(".weight")
    if module in WHOLE:
        return WHOLE[module] + ".weight"
    layer, module = module.removeprefix("model.layers.").split(".", 1)
    return f"blk.{layer}.{LAYER[module]}.weight"


def pairs_adjacent(weight, heads):
    """llama.cpp rotates neighbours, checkpoints of Hugging Face form rotate halves: rows are reordered."""
    rows, inputs = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, inputs).swapaxes(1, 2).reshape(rows, inputs)


def write_half(folder, path):
    config = json.load(open(f"{folder}/config.json"))
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_rope_dimension_count(config["head_dim"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_tokenizer_model("llama")
    tokens = [b"<unk>", b"<s>", b"</s>"]
    tokens += [f"t{number}".encode() for number in range(3, config["vocab_size"])]
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL]
    writer.add_token_types(kinds + [gguf.TokenType.NORMAL] * (len(tokens) - 3))
    with safe_open(f"{folder}/model.safetensors", "numpy") as weights:
        for name in weights.keys():
            weight = weights.get_tensor(name)
            if "q_proj" in name:
                weight = pairs_adjacent(weight, heads)
            if "k_proj" in name:
                weight = pairs_adjacent(weight, kv_heads)
            # Norms stay in single precision, as in the files that are published.
            kind = numpy.float32 if weight.ndim == 1 else numpy.float16
            writer.add_tensor(name_of(name), numpy.ascontiguousarray(weight.astype(kind)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def quantise(source, target):
    llama_cpp.llama_backend_init()
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_0
    code = llama_cpp.llama_model_quantize(source.encode(), target.encode(), ctypes.byref(params))
    if code != 0:
        sys.exit(f"llama.cpp could not quantise {source}: code {code}")


if __name__ == "__main__":
    folder, target = sys.argv[1:]
    half, unfinished = target + ".f16", target + ".unfinished"
    write_half(folder, half)
    quantise(half, unfinished)
    os.remove(half)
    os.rename(unfinished, target)
