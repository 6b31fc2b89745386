/* SPDX-License-Identifier: Apache-2.0 */
/* format.h -- what the reader of one model file format is, and what it fills.
 *
 * For the files of net/ that read a format; all others see weights.h. */
#ifndef FOV_NET_FORMAT_H
#define FOV_NET_FORMAT_H

#include <stdbool.h>

#include "net/weights.h"

struct fov__metadata {
    const char *key, *value;
};

/* Numbers that replaced those of a tensor: a list. */
struct fov__values {
    struct fov__values *next;
    float values[];
};

/* A file in memory. */
struct fov__map {
    void *at;
    size_t bytes;
};

/* A reader fills what follows `maps`; whatever it has allocated when it fails is freed for it. */
struct fov_weights {
    char *name;
    struct fov__map maps[2]; /* two when weights and graph are files of their own; none when the
                                bytes belong to the caller */
    char *strings;           /* names, keys and values: one block */
    void *block; /* tensor data that does not stand in the file as it is needed, or NULL */
    struct fov_tensor *tensors;
    size_t n_tensors, max_tensors;
    struct fov__values *replaced;
    struct fov__metadata *metadata; /* room for FOV_MAX_METADATA, or NULL */
    size_t n_metadata;
};

/* One format; a file of its own each. */
struct fov_format {
    /* Do these bytes begin as such a file begins? */
    bool (*matches)(const unsigned char *data, size_t bytes);
    /* Fill `w` from the whole file; the bytes outlive it. Proves every tensor. */
    enum fov_code (*parse)(struct fov_weights *w, const unsigned char *data, size_t bytes,
                           struct fov_err *err);
};

extern const struct fov_format fov_format_safetensors;
extern const struct fov_format fov_format_pth;

/* The bytes of an element of type `dtype`, or 0 when there is no such type. */
size_t fov__dtype_bytes(const char *dtype);

/* Set `n_elements` and return the bytes that type and shape ask for in *ret_bytes. FOV_EMODEL for
 * an unknown type, or when they are more than memory can hold. */
FOV_CHECKED enum fov_code fov__tensor_size(const struct fov_weights *w, struct fov_tensor *t,
                                           size_t *ret_bytes, struct fov_err *err);

/* Append a copy of `t`. FOV_EMODEL over FOV_MAX_TENSORS, FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov__weights_add(struct fov_weights *w, const struct fov_tensor *t,
                                           struct fov_err *err);

/* FOV_EMODEL when there are no tensors or two of one name. Leaves them sorted by name. */
FOV_CHECKED enum fov_code fov__weights_prove_names(struct fov_weights *w, struct fov_err *err);

#endif
