#!/usr/bin/env python3
"""Make the seeds of the model file fuzzer in tests/corpus/safetensors: one small network of each
architecture and one file for each way of being wrong. Usage: make_safetensors.py
"""
import json
import pathlib
import struct

HERE = pathlib.Path(__file__).parent / 'safetensors'


def pack(header, data=b''):
    text = header
    if not isinstance(header, bytes):
        text = json.dumps(header, separators=(',', ':')).encode()
    return struct.pack('<Q', len(text)) + text + data


def network(shapes, dtype='F16'):
    """A file of zeros with tensors of these shapes."""
    header, at = {'__metadata__': {'license': 'Apache-2.0'}}, 0
    size = {'F16': 2, 'BF16': 2, 'F32': 4}[dtype]
    for name, shape in shapes.items():
        n = size
        for side in shape:
            n *= side
        header[name] = {'dtype': dtype, 'shape': shape, 'data_offsets': [at, at + n]}
        at += n
    return pack(header, bytes(at))


def one(**change):
    tensor = {'dtype': 'F16', 'shape': [2], 'data_offsets': [0, 4]}
    tensor.update(change)
    return pack({'a': tensor}, bytes(4))


COMPACT = {'body.0.weight': [4, 3, 3, 3], 'body.0.bias': [4], 'body.1.weight': [4],
           'body.2.weight': [12, 4, 3, 3], 'body.2.bias': [12]}
RESIDUAL = {'head.weight': [2, 3, 3, 3], 'head.bias': [2],
            'body.0.a.weight': [2, 2, 3, 3], 'body.0.a.bias': [2], 'body.0.act.weight': [2],
            'body.0.b.weight': [2, 2, 3, 3], 'body.0.b.bias': [2],
            'mid.weight': [2, 2, 3, 3], 'mid.bias': [2],
            'tail.weight': [12, 2, 3, 3], 'tail.bias': [12]}


def convolution(name, n_out, n_in, side=3):
    return {name + '.weight': [n_out, n_in, side, side], name + '.bias': [n_out]}


def group(name, n_in):
    """What SPAN trains in the place of one convolution."""
    return {**convolution(name + '.sk', 2, n_in, 1), **convolution(name + '.conv.0', 2, n_in, 1),
            **convolution(name + '.conv.1', 3, 2), **convolution(name + '.conv.2', 2, 3, 1),
            **convolution(name + '.eval_conv', 2, n_in)}


ESRGAN = convolution('conv_first', 2, 12)
for i in (1, 2, 3):
    for k in range(1, 6):
        ESRGAN |= convolution(f'body.0.rdb{i}.conv{k}', 2 if k == 5 else 1, 1 + k)
for n in ('body', 'up1', 'up2', 'hr'):
    ESRGAN |= convolution('conv_' + n, 2, 2)
ESRGAN |= convolution('conv_last', 3, 2)
SPAN = group('conv_1', 3) | group('conv_2', 2)
for i in range(1, 7):
    for k in (1, 2, 3):
        SPAN |= group(f'block_{i}.c{k}_r', 2)
SPAN |= convolution('conv_cat', 2, 8, 1) | convolution('upsampler.0', 12, 2)
EDSR = {**convolution('sub_mean', 3, 3, 1), **convolution('add_mean', 3, 3, 1),
        **convolution('head.0', 2, 3), **convolution('body.0.body.0', 2, 2),
        **convolution('body.0.body.2', 2, 2), **convolution('body.1', 2, 2),
        **convolution('tail.0.0', 8, 2), **convolution('tail.1', 3, 2)}

SEEDS = {
    'compact': network(COMPACT),
    'compact-bf16': network(COMPACT, 'BF16'),
    'residual': network(RESIDUAL),
    'residual-f32': network(RESIDUAL, 'F32'),
    'esrgan': network(ESRGAN),
    'span': network({k: v for k, v in SPAN.items() if '.conv.' not in k and '.sk.' not in k}),
    'span-trained': network(SPAN),
    'span-trained-no-skip': network({k: v for k, v in SPAN.items() if k != 'conv_2.sk.bias'}),
    'edsr': network({k: v for k, v in EDSR.items() if '_mean' not in k}),
    'edsr-mean-not-identity': network(EDSR, 'BF16'),
    'residual-missing-tensor': network({k: v for k, v in RESIDUAL.items() if k != 'mid.weight'}),
    'compact-wrong-channels': network({**COMPACT, 'body.2.weight': [12, 5, 3, 3]}),
    'empty': b'',
    'header-too-long': struct.pack('<Q', 1 << 60) + b'{}',
    'header-past-the-end': struct.pack('<Q', 100) + b'{}',
    'no-tensors': pack(b'{}'),
    'escapes': pack('{"\\u00e4\\ud83d\\ude00\\n":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}'
                    .encode(), bytes(4)),
    'past-the-end': one(data_offsets=[0, 8]),
    'backwards': one(data_offsets=[4, 0]),
    'unknown-type': one(dtype='F4'),
    'huge-shape': one(shape=[1 << 40, 1 << 40]),
    'huge-number': pack(b'{"a":{"dtype":"F16","shape":[99999999999999999999],'
                        b'"data_offsets":[0,4]}}'),
    'overlap': pack({'a': {'dtype': 'F16', 'shape': [2], 'data_offsets': [0, 4]},
                     'b': {'dtype': 'F16', 'shape': [2], 'data_offsets': [2, 6]}}, bytes(6)),
    'hole': pack({'a': {'dtype': 'F16', 'shape': [2], 'data_offsets': [2, 6]}}, bytes(6)),
    'not-finite': pack({'body.0.weight': {'dtype': 'F32', 'shape': [3, 3, 3, 3],
                                          'data_offsets': [0, 324]},
                        'body.0.bias': {'dtype': 'F32', 'shape': [3],
                                        'data_offsets': [324, 336]}},
                       b'\xff' * 336),
}

if __name__ == '__main__':
    HERE.mkdir(exist_ok=True)
    for name, data in SEEDS.items():
        (HERE / name).write_bytes(data)
