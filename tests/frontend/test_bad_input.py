"""Every mistake that a model directory can hold, with the exact text that a user sees.

A case changes one thing in a directory that imports; `{dir}` in the expected text is that directory.
"""

import json
import os
import pathlib
import struct
import subprocess

import pytest

TOOL = pathlib.Path(os.environ["TILEWRIGHT_BUILD_DIR"]) / "bin" / "tilewright-import"

LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "eos_token_id": 2,
    "hidden_act": "silu",
    "hidden_size": 128,
    "intermediate_size": 192,
    "max_position_embeddings": 1024,
    "model_type": "llama",
    "num_attention_heads": 2,
    "num_hidden_layers": 1,
    "num_key_value_heads": 1,
    "rms_norm_eps": 1e-05,
    "rope_theta": 10000.0,
    "torch_dtype": "bfloat16",
    "vocab_size": 320,
}
QWEN2 = LLAMA | {"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2"}
MISTRAL = LLAMA | {"architectures": ["MistralForCausalLM"], "model_type": "mistral"}
ABSENT = object()


def run(directory, *options):
    return subprocess.run([TOOL, directory, *options], capture_output=True, text=True, timeout=60)


def import_config(tmp_path, config, *options):
    text = config if isinstance(config, (str, bytes)) else json.dumps(config, indent=2)
    (tmp_path / "config.json").write_bytes(text.encode() if isinstance(text, str) else text)
    return run(tmp_path, "--config-only", *options)


def check(result, tmp_path, expected):
    assert result.stderr == expected.replace("{dir}", str(tmp_path)), result.stderr
    assert result.stdout == ""
    assert result.returncode == 1


def at(line, column, text, message, hint=""):
    """A diagnostic in config.json as the user sees it; the caret is one short of the column."""
    return (f"{{dir}}/config.json:{line}:{column}: error: {message}\n{text}\n{' ' * (column - 1)}^\n"
            + (f"hint: {hint}\n" if hint else ""))


def changed(field, value, base=LLAMA):
    config = dict(base)
    config.pop(field, None)
    return ({} if value is ABSENT else {field: value}) | config  # first: every diagnostic is about line 2


def unknown(name, value, shown, family="llama"):
    return (changed(name, value, {"llama": LLAMA, "qwen2": QWEN2, "mistral": MISTRAL}[family]),
            at(2, 3, f'  "{name}": {shown}', f'field "{name}" is not supported in a {family} model',
               "what is not understood may change the result; if this field does not, pass "
               f"--ignore-config-field={name}"))


def field(name, value, message, hint="", base=LLAMA):
    """One scalar field, wrong; the caret is under its value."""
    shown = json.dumps(value)
    return changed(name, value, base), at(2, len(name) + 7, f'  "{name}": {shown},', message, hint)


def missing(name):
    return changed(name, ABSENT), at(1, 1, "{", f'field "{name}" is missing')


HEADS = "supported are 64, 80, 96, 128 and 256"
TILED = "rows of a matrix must be multiples of 8 elements"
PARTIAL = "rotating only a part of each head is not supported"

FIELDS = {
    # The family.
    "unknown model_type": field("model_type", "gpt2", 'models of type "gpt2" are not supported',
                                "supported are llama, mistral, qwen2, qwen3"),
    "missing model_type": (changed("model_type", ABSENT),
                           at(1, 1, "{", 'field "model_type" is missing', "supported are llama, mistral, qwen2, qwen3")),
    "model_type of a wrong kind": field("model_type", 3, 'field "model_type" must be a string, but is an integer'),
    # Sizes.
    "missing hidden_size": missing("hidden_size"),
    "missing vocab_size": missing("vocab_size"),
    "missing layers": missing("num_hidden_layers"),
    "missing heads": missing("num_attention_heads"),
    "missing intermediate_size": missing("intermediate_size"),
    "missing positions": missing("max_position_embeddings"),
    "negative size": field("hidden_size", -128, 'field "hidden_size" must be in [1, 262144], but is -128'),
    "zero size": field("vocab_size", 0, 'field "vocab_size" must be in [1, 16777216], but is 0'),
    "huge size": field("num_hidden_layers", 10**12, 'field "num_hidden_layers" must be in [1, 1024], but is 1000000000000'),
    "size beyond int64": field("vocab_size", 2**63, "number is too large"),
    "size of a wrong kind": field("hidden_size", "128", 'field "hidden_size" must be an integer, but is a string'),
    "size that is no integer": field("hidden_size", 128.5, 'field "hidden_size" must be an integer, but is a number'),
    "heads that do not divide": field("num_attention_heads", 3, "hidden size 128 does not divide into 3 heads",
                                      'a model whose heads are of another size states "head_dim"'),
    "kv heads that do not divide": field("num_key_value_heads", 3,
                                         "2 query heads do not divide over 3 key and value heads"),
    "unsupported derived head size": field("num_attention_heads", 4, "heads of size 32 are not supported", HEADS),
    "unsupported head_dim": field("head_dim", 72, "heads of size 72 are not supported", HEADS),
    "hidden size that cannot be tiled": field("hidden_size", 132, "size 132 cannot be tiled", TILED,
                                              LLAMA | {"head_dim": 64}),
    "intermediate size that cannot be tiled": field("intermediate_size", 190, "size 190 cannot be tiled", TILED),
    # Numbers and names.
    "epsilon of zero": field("rms_norm_eps", 0.0, 'field "rms_norm_eps" must be in (0, 1), but is 0'),
    "negative epsilon": field("rms_norm_eps", -1e-5, 'field "rms_norm_eps" must be in (0, 1), but is -1e-05'),
    "negative theta": field("rope_theta", -1.0, 'field "rope_theta" must be positive, but is -1'),
    "unknown activation": field("hidden_act", "quick_gelu", 'activation "quick_gelu" is not supported',
                                "supported are silu, gelu, gelu_pytorch_tanh and relu"),
    "unknown dtype": field("torch_dtype", "float8_e4m3fn", 'checkpoints of type "float8_e4m3fn" are not supported',
                           "supported are bfloat16, float16 and float32"),
    "missing dtype without a checkpoint": (
        changed("torch_dtype", ABSENT),
        '{dir}/config.json: error: field "dtype" is missing\n'
        "hint: without a checkpoint nothing else tells the type of the weights\n"),
    "end of sequence out of range": field("eos_token_id", 320,
                                          "end-of-sequence token 320 is not a token of the vocabulary of 320"),
    # Features that are known and not there.
    "pretraining_tp": field("pretraining_tp", 2, 'field "pretraining_tp" is supported only as 1, but is 2',
                            "slicing the weights for tensor parallelism is not done"),
    "partial_rotary_factor": field("partial_rotary_factor", 0.5,
                                   'field "partial_rotary_factor" is supported only as 1, but is 0.5', PARTIAL),
    "encoder and decoder": field("is_encoder_decoder", True,
                                 'field "is_encoder_decoder" is supported only as false, but is true',
                                 "only decoders are supported"),
    "interleaved rope": field("rope_interleaved", True,
                              'field "rope_interleaved" is supported only as false, but is true',
                              "only rotation of the halves of a head is supported"),
    "rope_scaling of a wrong kind": field("rope_scaling", 8, 'field "rope_scaling" must be an object, but is an integer'),
    "qwen2 without biases": field("attention_bias", False,
                                  'field "attention_bias" is supported only as true, but is false',
                                  "Qwen2 always has biases on Q, K and V", QWEN2),
    "window of zero": field("sliding_window", 0, 'field "sliding_window" must be in [1, 67108864], but is 0',
                            base=MISTRAL),
    "layer_types of a wrong kind": field("layer_types", "full_attention",
                                         'field "layer_types" must be a list, but is a string'),
    # Fields that nobody understands.
    "attn_logit_softcapping": unknown("attn_logit_softcapping", 30.0, "30.0,"),
    "window in a llama": unknown("sliding_window", 24, "24,"),
    "bias in a mistral": unknown("attention_bias", True, "true,", "mistral"),
    "mlp_bias in a qwen2": unknown("mlp_bias", True, "true,", "qwen2"),
    "a factor of zero": unknown("residual_multiplier", 0, "0,"),
}


@pytest.mark.parametrize("name", FIELDS)
def test_field(name, tmp_path):
    config, expected = FIELDS[name]
    check(import_config(tmp_path, config), tmp_path, expected)


ROPE = {
    "yarn": ({"rope_scaling": {"type": "yarn", "factor": 4.0}},
             at(3, 13, '    "type": "yarn",', 'rope scaling of type "yarn" is not supported',
                "supported are default, linear and llama3")),
    "dynamic": ({"rope_parameters": {"rope_type": "dynamic", "factor": 4.0}},
                at(3, 18, '    "rope_type": "dynamic",', 'rope scaling of type "dynamic" is not supported',
                   "supported are default, linear and llama3")),
    "linear without a factor": ({"rope_scaling": {"type": "linear"}},
                                at(2, 19, '  "rope_scaling": {', 'field "rope_scaling.factor" is missing')),
    "a factor of zero": ({"rope_scaling": {"factor": 0, "type": "linear"}},
                         at(3, 15, '    "factor": 0,', 'field "rope_scaling.factor" must be positive, but is 0')),
    "a field of another type": ({"rope_scaling": {"beta_fast": 32, "factor": 2, "type": "linear"}},
                                at(3, 5, '    "beta_fast": 32,',
                                   'field "rope_scaling.beta_fast" is not supported in a rope scaling of this model',
                                   "what is not understood may change the result; if this field does not, pass "
                                   "--ignore-config-field=rope_scaling.beta_fast")),
    "partial rotation": ({"rope_parameters": {"partial_rotary_factor": 0.25, "rope_type": "default"}},
                         at(3, 30, '    "partial_rotary_factor": 0.25,',
                            'field "rope_parameters.partial_rotary_factor" is supported only as 1, but is 0.25', PARTIAL)),
    "llama3 with its factors swapped": (
        {"rope_scaling": {"high_freq_factor": 1.0, "factor": 8.0, "low_freq_factor": 4.0, "rope_type": "llama3"}},
        at(3, 25, '    "high_freq_factor": 1.0,', '"high_freq_factor" must be greater than "low_freq_factor"')),
    "two spellings": ({"rope_scaling": {"type": "linear", "factor": 2}, "rope_parameters": {"rope_type": "default"}},
                      at(2, 19, '  "rope_scaling": {', 'field "rope_scaling" is given beside "rope_parameters"',
                         "they are two spellings of one thing; remove one")),
    "two thetas": ({"rope_parameters": {"rope_theta": 5.0, "rope_type": "default"}},
                   at(3, 19, '    "rope_theta": 5.0,', 'field "rope_parameters.rope_theta" contradicts "rope_theta"')),
}


@pytest.mark.parametrize("name", ROPE)
def test_rope(name, tmp_path):
    fields, expected = ROPE[name]
    check(import_config(tmp_path, fields | LLAMA), tmp_path, expected)


OTHER = {
    "another head": ({"architectures": ["LlamaForSequenceClassification"]} | changed("architectures", ABSENT),
                     at(2, 20, '  "architectures": [',
                        'architecture "LlamaForSequenceClassification" is not supported',
                        "a llama model must be a LlamaForCausalLM")),
    "quantization": ({"quantization_config": {"quant_method": "gptq"}} | LLAMA,
                     at(2, 26, '  "quantization_config": {', "quantized checkpoints are not supported",
                        "supported are checkpoints of bf16, f16 and f32")),
    "layer type": ({"layer_types": ["linear_attention"]} | LLAMA,
                   at(3, 5, '    "linear_attention"', 'layer type "linear_attention" is not supported',
                      'supported are "full_attention" and "sliding_attention"')),
    "number of layer types": ({"layer_types": ["full_attention", "full_attention"]} | LLAMA,
                              at(2, 18, '  "layer_types": [', 'field "layer_types" has 2 entries for 1 layers')),
    "window by type in a llama": ({"layer_types": ["sliding_attention"]} | LLAMA,
                                  at(2, 18, '  "layer_types": [',
                                     'field "layer_types" contradicts "sliding_window"',
                                     "all layers of a llama model have the same window, or none")),
    "window by type that is not used": ({"layer_types": ["sliding_attention"]} | QWEN2,
                                        at(2, 18, '  "layer_types": [',
                                           'layer 0 has a sliding window, but "use_sliding_window" is not true')),
    "window that is null": ({"layer_types": ["sliding_attention"], "use_sliding_window": True, "sliding_window": None}
                            | QWEN2,
                            at(2, 18, '  "layer_types": [', 'layer 0 has a sliding window, but "sliding_window" is null')),
    "end of sequence in a list": ({"eos_token_id": [2, -1]} | changed("eos_token_id", ABSENT),
                                  at(4, 5, "    -1", "end-of-sequence token -1 is not a token of the vocabulary of 320")),
    "dtypes that differ": ({"torch_dtype": "bfloat16", "dtype": "float16"} | changed("torch_dtype", ABSENT),
                           at(2, 18, '  "torch_dtype": "bfloat16",', 'field "torch_dtype" contradicts "dtype"')),
    "several at once": ({"hidden_act": "tanh", "rms_norm_eps": 2, "logit_scale": 0.5}
                        | {k: v for k, v in LLAMA.items() if k not in ("hidden_act", "rms_norm_eps")},
                        at(3, 19, '  "rms_norm_eps": 2,', 'field "rms_norm_eps" must be in (0, 1), but is 2')
                        + at(2, 17, '  "hidden_act": "tanh",', 'activation "tanh" is not supported',
                             "supported are silu, gelu, gelu_pytorch_tanh and relu")
                        + at(4, 3, '  "logit_scale": 0.5,', 'field "logit_scale" is not supported in a llama model',
                             "what is not understood may change the result; if this field does not, pass "
                             "--ignore-config-field=logit_scale")),
}


@pytest.mark.parametrize("name", OTHER)
def test_other(name, tmp_path):
    config, expected = OTHER[name]
    check(import_config(tmp_path, config), tmp_path, expected)


def test_field_that_says_nothing(tmp_path):
    config = LLAMA | {"a": None, "b": False, "c": "", "d": [], "e": {}, "partial_rotary_factor": 1}
    result = import_config(tmp_path, config)
    assert (result.returncode, result.stderr) == (0, "")


def test_ignored_field(tmp_path):
    config = LLAMA | {"my_note": 7, "rope_scaling": {"type": "linear", "factor": 2.0, "note": 8}}
    result = import_config(tmp_path, config, "--ignore-config-field=my_note", "--ignore-config-field=rope_scaling.note")
    assert (result.returncode, result.stderr) == (0, "")


JSON = {
    "empty file": ("", at(1, 1, "", "not valid JSON: while parsing value - unexpected end of input; expected '[', '{', or a literal")),
    "not an object": ("[1]", at(1, 1, "[1]", "must be an object, but is a list")),
    "cut off": ('{"hidden_size": 12', at(1, 19, '{"hidden_size": 12',
                                         "not valid JSON: while parsing object - unexpected end of input; expected '}'")),
    "a field twice": ('{"a": 1,\n "b": 2,\n "a": 3}', at(3, 2, ' "a": 3}', 'field "a" occurs twice')),
    "nesting": ('{"a":' + "[" * 40, at(1, 37, '{"a":' + "[" * 40, "nesting is deeper than 32")),
    "a control character": ('{"a\x01b": 1}', at(1, 4, '{"a?b": 1}',
                            "not valid JSON: while parsing object key - invalid string: control character U+0001 (SOH) must be escaped to \\u0001; last read: '\"a<U+0001>'; expected string literal")),
    "tabs and other letters": ('{\t"größe": "ü", "ü" 1}', '{dir}/config.json:1:25: error: not valid JSON: while parsing object separator - unexpected number literal; expected \':\'\n{\t"größe": "ü", "ü" 1}\n \t                  ^\n'),
}


@pytest.mark.parametrize("name", JSON)
def test_json(name, tmp_path):
    text, expected = JSON[name]
    check(import_config(tmp_path, text), tmp_path, expected)


def test_long_line_is_cut(tmp_path):
    result = import_config(tmp_path, '{"id2label": "' + "x" * 5000 + '", "model_type": "bert"}')
    lines = result.stderr.splitlines()
    assert lines[0].endswith('config.json:1:5032: error: models of type "bert" are not supported')
    assert len(lines[1]) <= 100 and lines[1][lines[2].index("^"):].startswith('"bert"')


def test_files(tmp_path):
    check(run(tmp_path / "nowhere"), tmp_path, "{dir}/nowhere: error: is not a directory\n")
    check(run(tmp_path), tmp_path, "{dir}/config.json: error: cannot be read: No such file or directory\n")
    (tmp_path / "config.json").mkdir()
    check(run(tmp_path), tmp_path, "{dir}/config.json: error: is not a file\n")
    (tmp_path / "config.json").rmdir()
    with open(tmp_path / "config.json", "wb") as file:
        file.truncate(1 << 30)
    check(run(tmp_path), tmp_path,
          "{dir}/config.json: error: has 1073741824 bytes; at most 1048576 are plausible\n")


def test_options(tmp_path):
    config = {"max_position_embeddings": 1024} | LLAMA
    expected = at(2, 30, '  "max_position_embeddings": 1024,', "a context of 2048 is not in [1, 1024]",
                  "the model was made for at most that many positions")
    check(import_config(tmp_path, config, "--max-context=2048"), tmp_path, expected)
    check(import_config(tmp_path, config, "--page-size=0"), tmp_path, "{dir}: error: page size 0 is not in [1, 4096]\n")


def test_generation_config(tmp_path):
    (tmp_path / "generation_config.json").write_text('{\n  "top_p": 1.5\n}')
    check(import_config(tmp_path, LLAMA), tmp_path,
          '{dir}/generation_config.json:2:12: error: field "top_p" must be in [0, 1]\n  "top_p": 1.5\n'
          "           ^\n")


NO_EFFECT = "it changes which tokens are taken; to do without it, pass --ignore-config-field=generation_config."
GENERATION = {
    "repetition_penalty": 1.1, "no_repeat_ngram_size": 3, "num_beams": 4, "penalty_alpha": 0.6, "guidance_scale": 1.5,
    "min_length": 8, "forced_bos_token_id": 5, "forced_eos_token_id": 2, "suppress_tokens": [7], "bad_words_ids": [[7, 8]],
    "begin_suppress_tokens": [1], "sequence_bias": [[[7], 1.0]], "stop_strings": ["."], "dola_layers": "high",
}
SAMPLING = {"min_p": 0.05, "typical_p": 0.9, "epsilon_cutoff": 3e-4, "eta_cutoff": 3e-4, "top_h": 0.4}


def write_generation_config(tmp_path, config):
    (tmp_path / "generation_config.json").write_text(json.dumps(config))


@pytest.mark.parametrize("name", GENERATION | SAMPLING)
def test_generation_setting_that_is_not_there(name, tmp_path):
    value = (GENERATION | SAMPLING)[name]
    text = f'{{"{name}": {json.dumps(value)}, "do_sample": true}}'
    (tmp_path / "generation_config.json").write_text(text)
    column = len(name) + 6
    check(import_config(tmp_path, LLAMA), tmp_path,
          f'{{dir}}/generation_config.json:1:{column}: error: "{name}" is not supported in generation\n{text}\n'
          f"{' ' * (column - 1)}^\nhint: {NO_EFFECT}{name}\n")
    result = import_config(tmp_path, LLAMA, f"--ignore-config-field=generation_config.{name}")
    assert (result.returncode, result.stderr) == (0, "")
    # A field of config.json of that name is another matter.
    assert import_config(tmp_path, LLAMA, f"--ignore-config-field={name}").returncode == 1


def test_generation_settings_without_effect(tmp_path):
    write_generation_config(tmp_path, {"repetition_penalty": 1.0, "num_beams": 1, "no_repeat_ngram_size": 0, "bad_words_ids": None,
                                       "suppress_tokens": [], "min_length": 0, "typical_p": 1.0, "max_length": 20,
                                       "max_new_tokens": 512, "length_penalty": 0.5, "use_cache": True, "do_sample": True})
    result = import_config(tmp_path, LLAMA)
    assert (result.returncode, result.stderr) == (0, "")
    # Cutoffs of a distribution from which nothing is drawn.
    write_generation_config(tmp_path, SAMPLING | {"do_sample": False})
    result = import_config(tmp_path, LLAMA)
    assert (result.returncode, result.stderr) == (0, "")


# Checkpoints -------------------------------------------------------------------------------------------------------


def tensors():
    shapes = {"model.embed_tokens.weight": [320, 128], "lm_head.weight": [320, 128], "model.norm.weight": [128]}
    layer = {"self_attn.q_proj": [128, 128], "self_attn.k_proj": [64, 128], "self_attn.v_proj": [64, 128],
             "self_attn.o_proj": [128, 128], "mlp.gate_proj": [192, 128], "mlp.up_proj": [192, 128],
             "mlp.down_proj": [128, 192], "input_layernorm": [128], "post_attention_layernorm": [128]}
    return shapes | {f"model.layers.0.{name}.weight": shape for name, shape in layer.items()}


def safetensors(shapes, dtypes={}):
    """A file of zeros, BF16 unless said otherwise."""
    size = {"BF16": 2, "F16": 2, "F32": 4, "F64": 8, "I8": 1}
    header, offset = {}, 0
    for name, shape in shapes.items():
        dtype = dtypes.get(name, "BF16")
        length = size[dtype]
        for n in shape:
            length *= n
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + length]}
        offset += length
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(offset)


def import_checkpoint(tmp_path, data, config=LLAMA):
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "model.safetensors").write_bytes(data)
    return run(tmp_path)


def test_good_checkpoint(tmp_path):
    result = import_checkpoint(tmp_path, safetensors(tensors(), {"model.norm.weight": "F32"}))
    assert (result.returncode, result.stderr) == (0, "")
    assert 'xf.weight "model.norm.weight" from f32 : tensor<128xbf16>' in result.stdout


def test_tied_copy_and_computed_tensors_may_be_there(tmp_path):
    extra = {"model.layers.0.self_attn.rotary_emb.inv_freq": [32]}
    result = import_checkpoint(tmp_path, safetensors(tensors() | extra), LLAMA | {"tie_word_embeddings": True})
    assert (result.returncode, result.stderr) == (0, "")


def test_no_checkpoint(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(LLAMA))
    check(run(tmp_path), tmp_path,
          "{dir}: error: holds neither model.safetensors nor model.safetensors.index.json\n"
          "hint: compiling needs no weights: --config-only\n")


def test_missing_tensor(tmp_path):
    shapes = tensors()
    del shapes["model.layers.0.mlp.up_proj.weight"]
    check(import_checkpoint(tmp_path, safetensors(shapes)), tmp_path,
          '{dir}: error: tensor "model.layers.0.mlp.up_proj.weight" [192, 128] is missing\n')


def test_wrong_shape(tmp_path):
    shapes = tensors() | {"model.norm.weight": [129]}
    check(import_checkpoint(tmp_path, safetensors(shapes)), tmp_path,
          '{dir}/model.safetensors: error: tensor "model.norm.weight" has shape [129], but the config makes it [128]\n')


def test_wrong_dtype(tmp_path):
    check(import_checkpoint(tmp_path, safetensors(tensors(), {"lm_head.weight": "F64"})), tmp_path,
          '{dir}/model.safetensors: error: tensor "lm_head.weight" has type F64; supported are BF16, F16 and F32\n')


def test_tensor_without_a_place(tmp_path):
    shapes = tensors() | {"model.layers.0.self_attn.o_proj.bias": [128]}
    check(import_checkpoint(tmp_path, safetensors(shapes)), tmp_path,
          '{dir}/model.safetensors: error: tensor "model.layers.0.self_attn.o_proj.bias" has no place in a llama model'
          " of this config\n")


def test_config_of_another_model(tmp_path):
    result = import_checkpoint(tmp_path, safetensors(tensors()), LLAMA | {"hidden_size": 256, "head_dim": 64})
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert len(lines) == 7 and lines[-2:] == [f"{tmp_path}: error: 7 more tensors do not fit the config",
                                              "hint: is it the config of another model?"], result.stderr


def test_truncated_checkpoint(tmp_path):
    result = import_checkpoint(tmp_path, safetensors(tensors())[:-1])
    assert result.returncode == 1
    assert result.stderr.startswith(f"{tmp_path}/model.safetensors: error: tensor ") and result.stderr.count("\n") == 1


def test_missing_shard(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(LLAMA))
    index = {"weight_map": {name: "model-00001-of-00001.safetensors" for name in tensors()}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    result = run(tmp_path)
    assert result.returncode == 1
    first, hint = result.stderr.splitlines()
    assert first.startswith(f"{tmp_path}/model.safetensors.index.json: error: ")
    assert "model-00001-of-00001.safetensors" in first
    assert hint == "hint: compiling needs no weights: --config-only"


def test_output_that_cannot_be_written(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(LLAMA))
    result = run(tmp_path, "--config-only", "-o", tmp_path / "no" / "where.mlir")
    assert result.returncode == 1
    assert result.stderr == f"{tmp_path}/no/where.mlir: error: No such file or directory\n"


def test_usage():
    result = subprocess.run([TOOL], capture_output=True, text=True, timeout=60)
    assert result.returncode == 2 and result.stdout == ""
