/* SPDX-License-Identifier: Apache-2.0 */
/* zip_out.h -- a zip file that a test makes, entry by entry. */
#ifndef FOV_TESTS_UNIT_ZIP_OUT_H
#define FOV_TESTS_UNIT_ZIP_OUT_H

#include "tests/unit/out.h"

/* Where the fields are that tests change, from the beginning of their record. */
enum {
    LOCAL_NAME_BYTES = 26,
    LOCAL_EXTRA_BYTES = 28,
    CENTRAL_FLAGS = 8,
    CENTRAL_METHOD = 10,
    CENTRAL_PACKED = 20,
    CENTRAL_BYTES_AT = 24,
    CENTRAL_NAME_BYTES = 28,
    CENTRAL_OFFSET = 42,
    CENTRAL_NAME = 46,
    END_DISK = 4,
    END_ENTRIES = 10,
    END_BYTES_AT = 12,
    END_OFFSET = 16,
    END_COMMENT = 20,
};

struct zip_out {
    struct out file, directory;
    unsigned n;
};

/* `padding` bytes of extra data come before the data, as torch.save() aligns it. */
static inline void zip_entry(struct zip_out *z, const char *name, const void *data, size_t bytes,
                             size_t padding)
{
    struct out *const f = &z->file, *const d = &z->directory;
    const size_t offset = f->n;
    PUT(f, "PK\3\4\0\0\x08\x08");
    put_number(f, 18, 0); /* the sizes follow the data, where nobody looks */
    put_number(f, 2, strlen(name));
    put_number(f, 2, padding);
    put_text(f, name);
    for (size_t i = 0; i < padding; i++)
        put_number(f, 1, 'Z');
    put(f, data, bytes);

    PUT(d, "PK\1\2\0\0\0\0\x08\x08");
    put_number(d, 10, 0);
    put_number(d, 4, bytes);
    put_number(d, 4, bytes);
    put_number(d, 2, strlen(name));
    put_number(d, 12, 0);
    put_number(d, 4, offset);
    put_text(d, name);
    z->n++;
}

/* The directory and the end record. z->file is then the whole file. */
static inline void zip_end(struct zip_out *z)
{
    struct out *const f = &z->file;
    const size_t offset = f->n;
    put(f, z->directory.at, z->directory.n);
    PUT(f, "PK\5\6\0\0\0\0");
    put_number(f, 2, z->n);
    put_number(f, 2, z->n);
    put_number(f, 4, z->directory.n);
    put_number(f, 4, offset);
    put_number(f, 2, 0);
}

#endif
