#!/usr/bin/env python3
"""Random-weight models of every supported family, each below 300 KB, with golden.json: python make_families.py TOKENIZER_DIR OUT_DIR
Weights have unit gain, so outputs depend on every layer and on the context. The vocabulary is cut to single bytes. Goldens are f32, eager attention, CPU."""
import json, os, sys
import torch
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig

VOCAB = 272  # special tokens, the 256 bytes and a few pairs
TEMPLATE = "{{ '<s>' }}{% for m in messages %}{% if m['role'] == 'user' %}{{ '<|user|>' + m['content'] + '<|end|>' }}{% elif m['role'] == 'assistant' %}{{ '<|assistant|>' + m['content'] + '<|end|>' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
PROMPTS = ["Hello!", "What is the capital of France? And of Italy, of Spain, of Portugal?", "Tell me a long story about a fox, a lantern, an owl, and the river that they had to cross in winter."]
COMMON = dict(vocab_size=VOCAB, max_position_embeddings=512, rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=5, pad_token_id=0, hidden_act="silu", attention_dropout=0.0)
# name: (model type, stored as, seed, configuration)
FAMILIES = {
    "fixture-llama3": ("llama", "bfloat16", 21, dict(hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=16, tie_word_embeddings=True, rope_theta=500000.0,
        rope_scaling=dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64))),
    "fixture-linear": ("llama", "float16", 22, dict(hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=1, head_dim=16, tie_word_embeddings=True, rope_theta=10000.0,
        rope_scaling=dict(rope_type="linear", factor=4.0))),
    "fixture-mistral": ("mistral", "bfloat16", 23, dict(hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2, head_dim=16, tie_word_embeddings=False, rope_theta=10000.0, sliding_window=12)),
    "fixture-qwen2": ("qwen2", "float16", 24, dict(hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=True, rope_theta=1000000.0, use_sliding_window=False, sliding_window=None)),
    "fixture-qwen3": ("qwen3", "bfloat16", 25, dict(hidden_size=48, intermediate_size=80, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=32, tie_word_embeddings=False, rope_theta=1000000.0, attention_bias=False, use_sliding_window=False, sliding_window=None)),
}

def tokenizer(source, out):
    t = json.load(open(f"{source}/tokenizer.json"))
    t["model"]["vocab"] = {w: i for w, i in t["model"]["vocab"].items() if i < VOCAB}
    keep = t["model"]["vocab"]; pair = lambda m: m.split(" ") if isinstance(m, str) else m
    t["model"]["merges"] = [m for m in t["model"]["merges"] if "".join(pair(m)) in keep and all(p in keep for p in pair(m))]
    json.dump(t, open(f"{out}/tokenizer.json", "w"), ensure_ascii=False)
    json.dump({"bos_token": "<s>", "eos_token": "<|end|>", "pad_token": "<pad>", "model_max_length": 512, "tokenizer_class": "PreTrainedTokenizerFast", "chat_template": TEMPLATE}, open(f"{out}/tokenizer_config.json", "w"), indent=2)

def draw(model, seed):
    g = torch.Generator().manual_seed(seed)
    for name, p in model.named_parameters():
        if name.endswith("bias"): p.data = 0.5 * torch.randn(p.shape, generator=g)
        elif p.dim() == 1: p.data = 1 + 0.2 * torch.randn(p.shape, generator=g)
        else: p.data = torch.randn(p.shape, generator=g) * (0.6 if "embed" in name else 1.0) / p.shape[1] ** 0.5

@torch.no_grad()
def golden(folder):
    tok = Tokenizer.from_file(f"{folder}/tokenizer.json")
    m = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    raw = {}
    for i, layer in enumerate(m.model.layers): layer.register_forward_hook(lambda mod, inp, o, i=i: raw.__setitem__(i, (o[0] if isinstance(o, tuple) else o).detach().reshape(-1, m.config.hidden_size)))
    out = []
    for text in PROMPTS:
        ids = tok.encode(f"<s><|user|>{text}<|end|><|assistant|>", add_special_tokens=False).ids
        logits = m(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1]
        hidden = {str(i): [float(x) for x in raw[i][-1]] for i in range(m.config.num_hidden_layers)}
        cur, gap = list(ids), []
        for _ in range(24):
            top = m(input_ids=torch.tensor([cur]), use_cache=False).logits[0, -1].topk(2); cur.append(int(top.indices[0])); gap.append(float(top.values[0] - top.values[1]))
        out.append({"input_ids": ids, "greedy_ids": cur[len(ids):], "smallest_margin": min(gap), "hidden_last_prompt_token": hidden, "logits": [float(x) for x in logits]})
    note = "Greedy continuation of 24 tokens that does not stop at end tokens; smallest_margin: least first minus second logit. hidden_last_prompt_token: layer index -> its output (residual stream, before the final norm). logits: of the last prompt token."
    json.dump({"note": note, "dtype": "float32", "attention": "eager", "prompts": out}, open(f"{folder}/golden.json", "w"))
    return min(p["smallest_margin"] for p in out)

def main():
    source, out = sys.argv[1:3]
    for name, (kind, dtype, seed, changes) in FAMILIES.items():
        d = f"{out}/{name}"; os.makedirs(d, exist_ok=True)
        m = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **{**COMMON, **changes}), attn_implementation="eager"); draw(m, seed)
        m.generation_config = GenerationConfig(bos_token_id=1, eos_token_id=[5, 2], pad_token_id=0)
        m.to(getattr(torch, dtype)).save_pretrained(d); tokenizer(source, d)
        open(f"{d}/README.md", "w").write(f"# {name}\n\nUNTRAINED: random weights (seed {seed}), {sum(p.numel() for p in m.parameters()):,} parameters, model type {kind}, stored as {dtype}. It cannot chat; it exists to test the splitter. golden.json holds reference outputs. Made by ../training/make_families.py. Licence: Apache-2.0.\n")
        for f in os.listdir(d): os.chmod(f"{d}/{f}", 0o644)
        margin = golden(d); size = sum(os.path.getsize(f"{d}/{f}") for f in os.listdir(d))
        print(name, "smallest margin", margin, "bytes", size, [len(p["input_ids"]) for p in json.load(open(f"{d}/golden.json"))["prompts"]])
        assert margin > 1e-3 and size < 300_000

if __name__ == "__main__": main()
