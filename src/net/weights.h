/* SPDX-License-Identifier: Apache-2.0 */
/* weights.h -- the tensors and metadata of a model file, whatever its format. */
#ifndef FOV_NET_WEIGHTS_H
#define FOV_NET_WEIGHTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Ceilings: a list that is longer is not a network. */
#define FOV_MAX_TENSORS     16384
#define FOV_MAX_METADATA    256
#define FOV_MAX_TENSOR_DIMS 5

struct fov_tensor {
    const char *name;
    const char *dtype; /* "F32", "F16", "BF16", "I64" ..., as .safetensors files spell it */
    int n_dims;
    size_t dims[FOV_MAX_TENSOR_DIMS];
    size_t n_elements;
    const unsigned char *data; /* lent by the file, not aligned, little endian, rows outermost */
    size_t bytes;
};

struct fov_weights;

/* Map the model file `path` and prove that every tensor lies inside it and has the length that its
 * type and shape ask for. The file's content tells the format, not its name: .safetensors,
 * PyTorch's .pth in both of its forms, or one half of an ncnn network, .param or .bin, with the
 * other beside it. Gives *ret_file; end it with fov_weights_close(). Errors: FOV_EMODEL,
 * FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_weights_open(const char *path, struct fov_weights **ret_file,
                                           struct fov_err *err);

/* The same for `bytes` bytes at `data`, which must outlive the result; `name` is for messages. */
FOV_CHECKED enum fov_code fov_weights_parse(const void *data, size_t bytes, const char *name,
                                            struct fov_weights **ret_file, struct fov_err *err);

/* The same for the two halves of an ncnn network. */
FOV_CHECKED enum fov_code fov_weights_parse_ncnn(const void *param, size_t param_bytes,
                                                 const void *bin, size_t bin_bytes,
                                                 const char *name, struct fov_weights **ret_file,
                                                 struct fov_err *err);

void fov_weights_close(struct fov_weights *file);

const char *fov_weights_name(const struct fov_weights *file);
size_t fov_weights_count(const struct fov_weights *file);

/* Tensor number `i`, in the order of the file. */
const struct fov_tensor *fov_weights_at(const struct fov_weights *file, size_t i);

/* The tensor called `name`, or NULL. */
const struct fov_tensor *fov_weights_find(const struct fov_weights *file, const char *name);

/* Give the tensor called `name` other numbers: F32, `n_elements` as before, which the caller writes
 * to *ret_values; they live as long as the file. FOV_EMODEL when there is no such tensor,
 * FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_weights_replace(struct fov_weights *file, const char *name,
                                              size_t n_elements, float **ret_values,
                                              struct fov_err *err);

/* Number of metadata entries; entry i's key and value. Lives as long as the file. */
size_t fov_weights_n_metadata(const struct fov_weights *file);
void fov_weights_metadata_at(const struct fov_weights *file, size_t i, const char **ret_key,
                             const char **ret_value);

/* Write the tensor's elements to `dst` as float. FOV_EMODEL when its type is not F64, F32, F16
 * or BF16, or an element is not finite as a float. */
FOV_CHECKED enum fov_code fov_tensor_read(const struct fov_weights *file,
                                          const struct fov_tensor *tensor, float *dst,
                                          struct fov_err *err);

#endif
