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

SEEDS = {
    'compact': network(COMPACT),
    'compact-bf16': network(COMPACT, 'BF16'),
    'residual': network(RESIDUAL),
    'residual-f32': network(RESIDUAL, 'F32'),
    'residual-missing-tensor': network({k: v for k, v in RESIDUAL.items() if k != 'mid.bias'}),
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
