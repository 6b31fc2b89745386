#!/usr/bin/env python3
"""Make the seeds of the fuzzer of PyTorch files in tests/corpus/pth: small networks in both forms
of torch.save(), and pickles that want something else. Usage: make_pth.py

Everything is put together by hand, so that no PyTorch is needed and nothing is ever unpickled.
"""
import io
import pathlib
import struct
import zipfile

HERE = pathlib.Path(__file__).parent / 'pth'
BYTES = {'Float': 4, 'Half': 2, 'BFloat16': 2, 'Double': 8, 'Long': 8, 'Byte': 1}
MAGIC = b'\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.'
SYSTEM = b'\x80\x02M\xe9\x03.' b'\x80\x02}X\x0d\0\0\0little_endian\x88s.'
ORDERED_DICT = b'ccollections\nOrderedDict\n)R'


def text(s):
    return b'X' + struct.pack('<I', len(s)) + s.encode()


def number(n):
    return b'K' + bytes([n]) if 0 <= n < 256 else b'J' + struct.pack('<i', n)


def sizes(values):
    return b'(' + b''.join(map(number, values)) + b't'


def count(shape):
    n = 1
    for side in shape:
        n *= side
    return n


def strides(shape):
    return [count(shape[i + 1:]) for i in range(len(shape))]


def tensor(key, shape, kind='Float', legacy=False, step=None, offset=0, numel=None):
    return (b'ctorch._utils\n_rebuild_tensor_v2\n((' + text('storage') + b'ctorch\n'
            + kind.encode() + b'Storage\n' + text(key) + text('cpu') + number(numel or count(shape))
            + (b'N' if legacy else b'') + b'tQ' + number(offset) + sizes(shape)
            + sizes(step or strides(shape)) + b'\x89' + ORDERED_DICT + b'tR')


def dictionary(items):
    return b'}(' + b''.join(text(k) + v for k, v in items.items()) + b'u'


def pack(pickle, storages):
    """The zip form."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w') as z:
        def entry(name, data):
            z.writestr(zipfile.ZipInfo('net/' + name, (1980, 1, 1, 0, 0, 0)), data)
        entry('data.pkl', b'\x80\x02' + pickle + b'.')
        for key, data in storages.items():
            entry('data/' + key, data)
        entry('version', '3\n')
    return out.getvalue()


def pack_legacy(pickle, storages, sizes_of):
    """The form before PyTorch 1.6."""
    keys = b'\x80\x02](' + b''.join(map(text, storages)) + b'e.'
    data = b''.join(struct.pack('<Q', len(d) // sizes_of[k]) + d for k, d in storages.items())
    return MAGIC + SYSTEM + b'\x80\x02' + pickle + b'.' + keys + data


def network(shapes, kind='Half', legacy=False, wrap=None, prefix=''):
    """A file of zeros with tensors of these shapes."""
    storages, tensors, sizes_of = {}, {}, {}
    for i, (name, shape) in enumerate(shapes.items()):
        storages[str(i)] = bytes(count(shape) * BYTES[kind])
        sizes_of[str(i)] = BYTES[kind]
        tensors[prefix + name] = tensor(str(i), shape, kind, legacy)
    pickle = dictionary(tensors)
    if wrap:
        pickle = dictionary({'iter': number(7), wrap: pickle})
    return pack_legacy(pickle, storages, sizes_of) if legacy else pack(pickle, storages)


COMPACT = {'body.0.weight': [4, 3, 3, 3], 'body.0.bias': [4], 'body.1.weight': [4],
           'body.2.weight': [12, 4, 3, 3], 'body.2.bias': [12]}

SEEDS = {
    'compact': network(COMPACT),
    'compact-wrapped': network(COMPACT, 'Float', wrap='params_ema', prefix='module.'),
    'compact-legacy': network(COMPACT, 'BFloat16', legacy=True),
    'compact-legacy-wrapped': network(COMPACT, legacy=True, wrap='state_dict'),
    'types': pack(dictionary({k: tensor(k, [2], k) for k in BYTES}),
                  {k: bytes(2 * n) for k, n in BYTES.items()}),
    'views': pack(dictionary({'t': tensor('0', [2, 3], step=[1, 2]),
                              'o': tensor('0', [2, 3], step=[3, 0])}),
                  {'0': bytes(24)}),
    'parameter': pack(dictionary({'p': b'ctorch._utils\n_rebuild_parameter\n('
                                  + tensor('0', [2]) + b'\x88' + ORDERED_DICT + b'tR'}),
                      {'0': bytes(8)}),
    'beyond-the-storage': pack(dictionary({'t': tensor('0', [2], offset=1)}), {'0': bytes(8)}),
    'no-storage': pack(dictionary({'t': tensor('0', [2])}), {}),
    'repeated': pack(dictionary({'t': tensor('0', [1000, 1000], step=[0, 0], numel=1)}),
                     {'0': bytes(4)}),
    'os-system': pack(b'cos\nsystem\n' + text('id') + b'\x85R', {}),
    'eval': b'\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.',
    'getattr': b'c__builtin__\ngetattr\n(ctorch\nFloatStorage\nU\x05_newstR.',
    'inst': b'(S\'id\'\nios\nsystem\n.',
    'newobj': b'cos\nsystem\n)\x81.',
    'build-a-tensor': b'\x80\x02' + tensor('0', [1]) + b'}b.',
    'storage-called': b'ctorch\nFloatStorage\n(K\x01tR.',
    'nested-lists': b']' * 1000 + b'a' * 999 + b'.',
    'nested-marks': b'(' * 1000 + b't' * 1000 + b'.',
    'list-in-itself': b']q\x00h\x00a.',
    'memo-far-away': b'Nr\xff\xff\xff\xff.',
    'long-integer': b'\x8b\xff\xff\xff\x7f\x01.',
    'long-text': b'X\xff\xff\xff\xffabc.',
    'pairs': b'ccollections\nOrderedDict\n](](K\x01K\x02e(K\x03K\x04te\x85R.',
    'protocol-4': b'\x80\x04\x95\x0c\0\0\0\0\0\0\0}\x94(\x8c\x01a\x94K\x01u.',
    'magic-only': MAGIC,
    'empty-zip': pack(b'}', {})[-22:],
    'compressed': pack(dictionary(dict.fromkeys('abcdefgh', b'N')), {}).replace(
        b'PK\x01\x02\x14\x03\x14\0\0\0\0\0', b'PK\x01\x02\x14\x03\x14\0\0\0\x08\0'),
}

if __name__ == '__main__':
    HERE.mkdir(exist_ok=True)
    for name, data in SEEDS.items():
        (HERE / name).write_bytes(data)
