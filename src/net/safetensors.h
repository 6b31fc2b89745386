/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors.h -- the tensors of a .safetensors file, proven to lie where they say. */
#ifndef FOV_NET_SAFETENSORS_H
#define FOV_NET_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Ceilings: a header or a list that is longer is not a network. */
#define FOV_ST_MAX_HEADER_BYTES (16u << 20)
#define FOV_ST_MAX_TENSORS      16384
#define FOV_ST_MAX_METADATA     256
#define FOV_ST_MAX_DIMS         5

struct fov_tensor {
    const char *name;
    const char *dtype; /* as the file spells it: "F32", "F16", "BF16", "I64" ... */
    int n_dims;
    size_t dims[FOV_ST_MAX_DIMS];
    size_t n_elements;
    const unsigned char *data; /* lent by the file, not aligned */
    size_t bytes;
};

struct fov_safetensors;

/* Map the file `path` and prove it: the header is the JSON it should be and lies inside the file,
 * every tensor lies inside the data, has the length its type and shape ask for, overlaps none and
 * leaves no hole. Gives *ret_file; end it with fov_safetensors_close(). Errors: FOV_EMODEL,
 * FOV_ENOMEM. Source: https://huggingface.co/docs/safetensors, "Format". */
FOV_CHECKED enum fov_code fov_safetensors_open(const char *path, struct fov_safetensors **ret_file,
                                               struct fov_err *err);

/* The same for `bytes` bytes at `data`, which must outlive the result; `name` is for messages. */
FOV_CHECKED enum fov_code fov_safetensors_parse(const void *data, size_t bytes, const char *name,
                                                struct fov_safetensors **ret_file,
                                                struct fov_err *err);

void fov_safetensors_close(struct fov_safetensors *file);

const char *fov_safetensors_name(const struct fov_safetensors *file);
size_t fov_safetensors_count(const struct fov_safetensors *file);

/* Tensor number `i`, in the order of their data. */
const struct fov_tensor *fov_safetensors_at(const struct fov_safetensors *file, size_t i);

/* The tensor called `name`, or NULL. */
const struct fov_tensor *fov_safetensors_find(const struct fov_safetensors *file, const char *name);

/* Number of metadata entries; entry i's key and value. Lives as long as the file. */
size_t fov_safetensors_n_metadata(const struct fov_safetensors *file);
void fov_safetensors_metadata_at(const struct fov_safetensors *file, size_t i, const char **ret_key,
                                 const char **ret_value);

/* Write the tensor's elements to `dst` as float. FOV_EMODEL when its type is not F32, F16 or BF16
 * or an element is not finite. */
FOV_CHECKED enum fov_code fov_tensor_read(const struct fov_safetensors *file,
                                          const struct fov_tensor *tensor, float *dst,
                                          struct fov_err *err);

#endif
