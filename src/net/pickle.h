/* SPDX-License-Identifier: Apache-2.0 */
/* pickle.h -- read Python's pickle format as far as a network's weights need it, and no further.
 *
 * A pickle is a program that may call any function of Python. This reader knows no function but
 * those that build a tensor, calls none of them, and refuses every other by name. What it makes is
 * a tree of values; a tensor or a storage is a value whose items are what the file said of it. */
#ifndef FOV_NET_PICKLE_H
#define FOV_NET_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Ceilings; a network of FOV_MAX_TENSORS tensors needs half of each at most. */
#define FOV_PICKLE_MAX_STEPS  (1u << 21) /* instructions */
#define FOV_PICKLE_MAX_ITEMS  (1u << 20) /* in all containers together; of the memo */
#define FOV_PICKLE_MAX_STACK  (1u << 16)
#define FOV_PICKLE_MAX_NESTED 256

enum fov_pickle_kind {
    FOV_PICKLE_NONE,
    FOV_PICKLE_BOOL,
    FOV_PICKLE_INT,
    FOV_PICKLE_FLOAT,
    FOV_PICKLE_TEXT,
    FOV_PICKLE_NAME, /* of a class or a function that is known here */
    FOV_PICKLE_TUPLE,
    FOV_PICKLE_LIST,
    FOV_PICKLE_DICT,    /* items: key, value, key, value ... */
    FOV_PICKLE_STORAGE, /* items: what identifies it, as torch.save() wrote it */
    FOV_PICKLE_TENSOR,  /* items: storage, offset, size, stride ... */
};

struct fov_pickle_value {
    enum fov_pickle_kind kind;
    uint32_t n_bytes; /* of a text */
    union {
        int64_t integer; /* and of a bool */
        double number;
        const char *text;  /* in the pickle, not ended with NUL */
        const char *dtype; /* of a name: the type of a storage, "F32" ..., or NULL */
        uint32_t box;      /* of what has items */
    };
};

struct fov_pickle;

/* Read the pickle that begins at `data`, which must outlive the result; `file` is for messages.
 * Sets *ret_used to its length: more may follow. Gives *ret_pickle; end it with fov_pickle_close().
 * FOV_EMODEL when it ends early, asks for anything but data, or is over a limit; FOV_ENOMEM.
 * Source: CPython's Lib/pickletools.py, protocols 2 to 5. */
FOV_CHECKED enum fov_code fov_pickle_open(const unsigned char *data, size_t bytes, const char *file,
                                          struct fov_pickle **ret_pickle, size_t *ret_used,
                                          struct fov_err *err);
void fov_pickle_close(struct fov_pickle *pickle);

/* What was pickled. */
struct fov_pickle_value fov_pickle_root(const struct fov_pickle *pickle);

/* The items of a value, one after the other: set the cursor with fov_pickle_first(), then call
 * fov_pickle_next() until it says false. A value that has no items has none. */
uint32_t fov_pickle_first(const struct fov_pickle *pickle, struct fov_pickle_value value);
bool fov_pickle_next(const struct fov_pickle *pickle, uint32_t *cursor,
                     struct fov_pickle_value *ret_item);

/* Copy the first items of `value`, up to `max`; returns how many there were to copy. */
size_t fov_pickle_items(const struct fov_pickle *pickle, struct fov_pickle_value value, size_t max,
                        struct fov_pickle_value *items);

/* Every storage that the pickle names, in its order, often the same one several times. */
size_t fov_pickle_n_storages(const struct fov_pickle *pickle);
struct fov_pickle_value fov_pickle_storage_at(const struct fov_pickle *pickle, size_t i);

bool fov_pickle_is_text(struct fov_pickle_value value, const char *text);

#endif
