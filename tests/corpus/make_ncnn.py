#!/usr/bin/env python3
"""Make the seeds of the fuzzer of ncnn networks in tests/corpus/ncnn: small networks in both
manners, and graphs that are wrong in one way each. Usage: make_ncnn.py

A seed is the text of the .param file, a NUL, and the .bin file.
"""
import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).parent / 'ncnn'
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'tools'))
import ncnn_io  # noqa: E402
from safetensors_io import Tensor  # noqa: E402

BYTES = {'F32': 4, 'F16': 2, 'BF16': 2}


def zeros(shape, dtype='F32'):
    n = BYTES[dtype]
    for side in shape:
        n *= side
    return Tensor(dtype, tuple(shape), bytes(n))


def compact(dtype='F32'):
    """Tensors of a network for 2x."""
    shapes = {'body.0.weight': [4, 3, 3, 3], 'body.0.bias': [4], 'body.1.weight': [4],
              'body.2.weight': [12, 4, 3, 3], 'body.2.bias': [12]}
    return {k: zeros(s, dtype if len(s) == 4 else 'F32') for k, s in shapes.items()}


def rrdbnet(n_ups=2):
    """Tensors of the smallest one there can be."""
    tensors = {}
    ups = [(f'conv_up{i + 1}', 1, 1) for i in range(n_ups)]
    for name, n_out, n_in in ups + [('conv_first', 1, 3), ('conv_body', 1, 1), ('conv_hr', 1, 1),
                                    ('conv_last', 3, 1)] + [
            (f'body.0.rdb{r}.conv{k}', 1, k) for r in (1, 2, 3) for k in (1, 2, 3, 4, 5)]:
        tensors[name + '.weight'] = zeros([n_out, n_in, 3, 3], 'F16')
        tensors[name + '.bias'] = zeros([n_out])
    return tensors


def seed(pair, change=None):
    """One file of the two; `change` is what to replace in the text and by what."""
    text = pair[0].replace(*change, 1) if change else pair[0]
    assert not change or text != pair[0], change
    return text.encode() + b'\0' + pair[1]


COMPACT, DENSE = ncnn_io.compact(compact()), ncnn_io.rrdbnet(rrdbnet())
SEEDS = {
    'compact': seed(COMPACT),
    'compact-f16': seed(ncnn_io.compact(compact('F16'))),
    'compact-bf16-plain': seed(ncnn_io.compact(compact('BF16'), tuned=False)),
    'compact-shrunk': seed(ncnn_io.compact(compact(), shrink=0.5)),
    'rrdbnet': seed(DENSE),
    'rrdbnet-plain': seed(ncnn_io.rrdbnet(rrdbnet(), tuned=False)),
    'rrdbnet-2x': seed(ncnn_io.rrdbnet(rrdbnet(1))),
    'text-alone': COMPACT[0].encode(),
    'empty': b'',
    'no-layers': b'7767517\n0 0\n\0',
    'one-layer': b'7767517\n1 1\nInput x 0 1 data\n\0',
    'many-layers': b'7767517\n4096 16384\nInput x 0 1 data\n\0',
    'int8': seed((COMPACT[0], struct.pack('<I', 0x000D4B38) + COMPACT[1][4:])),
    'more-weights': seed((COMPACT[0], COMPACT[1] + bytes(4))),
    'fewer-weights': seed((COMPACT[0], COMPACT[1][:-4])),
    'huge-layer': seed(COMPACT, ('0=12 1=3 4=1 5=1 6=432', '0=12 1=3 4=1 5=1 6=108e9')),
    'other-type': seed(COMPACT, ('PixelShuffle ', 'Reorg ')),
    'other-factor': seed(COMPACT, ('1=2.000000e+00', '1=3.0')),
    'other-order': seed(DENSE, ('1_splitncnn_6 2_splitncnn_3', '2_splitncnn_3 1_splitncnn_6')),
    'other-scale': seed(DENSE, ('-23301=2,2.000000e-01', '-23301=2,3.000000e-01')),
    'dilated': seed(COMPACT, ('1=3', '1=3 2=2')),
    'list-too-long': seed(DENSE, ('-23301=2', '-23301=9,1,1,1,1,1,1,1,1')),
    'number-too-long': seed(COMPACT, ('6=108', '6=' + '1' * 400)),
    'blob-made-twice': seed(COMPACT, ('PReLU_2                  1 1 1 2', 'p 1 1 1 1')),
}

if __name__ == '__main__':
    HERE.mkdir(exist_ok=True)
    for name, data in SEEDS.items():
        (HERE / name).write_bytes(data)
