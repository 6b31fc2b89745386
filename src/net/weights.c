/* SPDX-License-Identifier: Apache-2.0 */
/* weights.c -- map a model file, find out what it is, and hand out its tensors.
 *
 * Tensors point into the mapping, so that a file is neither copied nor even read where no weight
 * is looked at. Numbers are looked at when they are read: one NaN would spread over the picture.
 *
 * Threads: a file is read-only once open. Owns: the mapping and what the format's reader allocated.
 * Trust: every byte of a model file comes from a stranger; each reader proves what it hands over.
 */
#define _GNU_SOURCE
#include "net/weights.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/half.h"
#include "base/mem.h"
#include "net/bytes.h"
#include "net/format.h"
#include "net/ncnn.h"

static const struct fov_format *const formats[] = {&fov_format_pth, &fov_format_safetensors};

/* ---- numbers ----------------------------------------------------------------------------- */

static float from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static float from_f64(const unsigned char *p)
{
    const uint64_t bits = fov_le64(p);
    double value;
    memcpy(&value, &bits, sizeof(value));
    return (float)value;
}

/* n numbers of a type from `p` on. */
typedef void read_fn(const unsigned char *p, size_t n, float *ret);

#define READ(name, bytes, number)                                                                  \
    static void name(const unsigned char *p, size_t n, float *ret)                                 \
    {                                                                                              \
        for (size_t i = 0; i < n; i++, p += (bytes))                                               \
            ret[i] = (number);                                                                     \
    }
READ(read_f64, 8, from_f64(p))
READ(read_f32, 4, from_bits(fov_le32(p)))
READ(read_f16, 2, fov_from_half((uint16_t)fov_le16(p)))
READ(read_bf16, 2, from_bits(fov_le16(p) << 16))
#undef READ

static const struct dtype {
    const char *name;
    size_t bytes;
    read_fn *read; /* NULL: not a type of weights */
} dtypes[] = {
    {"F64", 8, read_f64}, {"F32", 4, read_f32}, {"F16", 2, read_f16}, {"BF16", 2, read_bf16},
    {"I64", 8, NULL},     {"I32", 4, NULL},     {"I16", 2, NULL},     {"I8", 1, NULL},
    {"U8", 1, NULL},      {"U16", 2, NULL},     {"U32", 4, NULL},     {"U64", 8, NULL},
    {"BOOL", 1, NULL},
};

static const struct dtype *find_dtype(const char *name)
{
    for (size_t i = 0; i < FOV_N_ELEMENTS(dtypes); i++)
        if (!strcmp(name, dtypes[i].name))
            return &dtypes[i];
    return NULL;
}

/* ---- for readers ------------------------------------------------------------------------- */

size_t fov__dtype_bytes(const char *dtype)
{
    const struct dtype *const type = find_dtype(dtype);
    return type ? type->bytes : 0;
}

enum fov_code fov__tensor_size(const struct fov_weights *w, struct fov_tensor *t, size_t *ret_bytes,
                               struct fov_err *err)
{
    const size_t element_bytes = fov__dtype_bytes(t->dtype);
    if (!element_bytes)
        return fov_fail(err, FOV_EMODEL, "%s: tensor %.60s has the unknown type %.20s", w->name,
                        t->name, t->dtype);
    t->n_elements = 1;
    for (int i = 0; i < t->n_dims; i++)
        if (__builtin_mul_overflow(t->n_elements, t->dims[i], &t->n_elements))
            return fov_fail(err, FOV_EMODEL, "%s: tensor %.60s is larger than memory", w->name,
                            t->name);
    if (__builtin_mul_overflow(t->n_elements, element_bytes, ret_bytes))
        return fov_fail(err, FOV_EMODEL, "%s: tensor %.60s is larger than memory", w->name,
                        t->name);
    return FOV_OK;
}

enum fov_code fov__weights_add(struct fov_weights *w, const struct fov_tensor *t,
                               struct fov_err *err)
{
    if (w->n_tensors == FOV_MAX_TENSORS)
        return fov_fail(err, FOV_EMODEL, "%s: more than %d tensors", w->name, FOV_MAX_TENSORS);
    if (w->n_tensors == w->max_tensors) {
        const size_t max = w->max_tensors ? 2 * w->max_tensors : 64;
        struct fov_tensor *grown = fov_realloc(w->tensors, max, sizeof(*grown));
        if (!grown)
            return fov_fail(err, FOV_ENOMEM, "%s: no memory for its header", w->name);
        w->tensors = grown;
        w->max_tensors = max;
    }
    w->tensors[w->n_tensors++] = *t;
    return FOV_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct fov_tensor *)a)->name, ((const struct fov_tensor *)b)->name);
}

enum fov_code fov__weights_prove_names(struct fov_weights *w, struct fov_err *err)
{
    if (!w->n_tensors)
        return fov_fail(err, FOV_EMODEL, "%s: holds no tensors", w->name);
    qsort(w->tensors, w->n_tensors, sizeof(*w->tensors), by_name);
    for (size_t i = 1; i < w->n_tensors; i++)
        if (!strcmp(w->tensors[i - 1].name, w->tensors[i].name))
            return fov_fail(err, FOV_EMODEL, "%s: tensor %.60s appears twice", w->name,
                            w->tensors[i].name);
    return FOV_OK;
}

/* ---- open and close ---------------------------------------------------------------------- */

void fov_weights_close(struct fov_weights *file)
{
    if (!file)
        return;
    while (file->replaced) {
        struct fov__values *const v = file->replaced;
        file->replaced = v->next;
        fov_free(v);
    }
    for (size_t i = 0; i < FOV_N_ELEMENTS(file->maps); i++)
        if (file->maps[i].at)
            munmap(file->maps[i].at, file->maps[i].bytes);
    fov_free(file->name);
    fov_free(file->strings);
    fov_free(file->block);
    fov_free(file->tensors);
    fov_free(file->metadata);
    fov_free(file);
}

static void close_at(struct fov_weights **file)
{
    fov_weights_close(*file);
}

static struct fov_weights *file_new(const char *name, struct fov_err *err)
{
    struct fov_weights *w = fov_calloc(1, sizeof(*w));
    if (!w || !(w->name = fov_strdup(name))) {
        fov_weights_close(w);
        (void)fov_fail(err, FOV_ENOMEM, "%s: no memory to open it", name);
        return NULL;
    }
    return w;
}

/* Does `name` end with `suffix`, and is there something before it? */
static bool has_suffix(const char *name, const char *suffix)
{
    const size_t n = strlen(name), n_suffix = strlen(suffix);
    return n > n_suffix && !strcmp(name + n - n_suffix, suffix);
}

/* The format of a file that is complete in itself, or NULL. The suffix decides only who says what
 * is wrong with a file that no reader knows. */
static const struct fov_format *find_format(const char *name, const unsigned char *data,
                                            size_t bytes)
{
    for (size_t i = 0; i < FOV_N_ELEMENTS(formats); i++)
        if (formats[i]->matches(data, bytes))
            return formats[i];
    return has_suffix(name, ".safetensors") ? &fov_format_safetensors : NULL;
}

static enum fov_code not_a_pair(const struct fov_weights *w, struct fov_err *err)
{
    return fov_fail(err, FOV_EMODEL,
                    "%s: an ncnn network is a pair of files, NAME.param and NAME.bin", w->name);
}

/* `format` is what find_format() says of these bytes. */
static enum fov_code parse_as(const struct fov_format *format, struct fov_weights *w,
                              const unsigned char *data, size_t bytes, struct fov_err *err)
{
    if (format)
        return format->parse(w, data, bytes, err);
    if (fov_ncnn_matches(data, bytes))
        return not_a_pair(w, err);
    return fov_fail(err, FOV_EMODEL,
                    "%s: not a model file that is known here: .safetensors, .pth of PyTorch, "
                    ".param with .bin of ncnn",
                    w->name);
}

enum fov_code fov_weights_parse(const void *data, size_t bytes, const char *name,
                                struct fov_weights **ret_file, struct fov_err *err)
{
    FOV_AUTO(close_at) struct fov_weights *w = file_new(name, err);
    if (!w)
        return FOV_ENOMEM;
    const enum fov_code rc = parse_as(find_format(name, data, bytes), w, data, bytes, err);
    if (rc)
        return rc;
    *ret_file = FOV_STEAL(w);
    return FOV_OK;
}

enum fov_code fov_weights_parse_ncnn(const void *param, size_t param_bytes, const void *bin,
                                     size_t bin_bytes, const char *name,
                                     struct fov_weights **ret_file, struct fov_err *err)
{
    FOV_AUTO(close_at) struct fov_weights *w = file_new(name, err);
    if (!w)
        return FOV_ENOMEM;
    const enum fov_code rc = fov_ncnn_parse(w, param, param_bytes, bin, bin_bytes, err);
    if (rc)
        return rc;
    *ret_file = FOV_STEAL(w);
    return FOV_OK;
}

static enum fov_code map_file(const char *path, struct fov__map *ret_map, struct fov_err *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    if (fd < 0 || fstat(fd, &st)) {
        const int e = errno;
        if (fd >= 0)
            close(fd);
        return fov_fail(err, FOV_EMODEL, "%s: cannot open this model: %s", path, strerror(e));
    }
    if (!S_ISREG(st.st_mode) || st.st_size < 8) {
        close(fd);
        return fov_fail(err, FOV_EMODEL, "%s: not a model file: %s", path,
                        S_ISREG(st.st_mode) ? "too short" : "not a regular file");
    }
    void *const map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    const int e = errno;
    close(fd);
    if (map == MAP_FAILED)
        return fov_fail(err, FOV_EMODEL, "%s: cannot map this model: %s", path, strerror(e));
    *ret_map = (struct fov__map){map, (size_t)st.st_size};
    return FOV_OK;
}

/* Map the other file of a pair: the one that is called like this one, but with the suffix `to`. */
static enum fov_code map_other(struct fov_weights *w, const char *from, const char *to,
                               struct fov_err *err)
{
    const size_t room = strlen(w->name) + strlen(to) + 1;
    struct fov_err why = {0};
    if (!has_suffix(w->name, from))
        return not_a_pair(w, err);
    FOV_AUTO(fov_free_at) char *path = fov_calloc(room, 1);
    if (!path)
        return fov_fail(err, FOV_ENOMEM, "%s: no memory to open it", w->name);
    (void)snprintf(path, room, "%.*s%s", (int)(strlen(w->name) - strlen(from)), w->name, to);
    if (map_file(path, &w->maps[1], &why))
        return fov_fail(err, FOV_EMODEL, "%s: one of a pair of files of ncnn; the other: %.500s",
                        w->name, why.text);
    return FOV_OK;
}

/* One file, or the two of an ncnn network: only the .param can be told by its content. */
static enum fov_code parse_file(struct fov_weights *w, struct fov_err *err)
{
    const struct fov__map *const m = w->maps;
    enum fov_code rc;
    if (fov_ncnn_matches(m[0].at, m[0].bytes)) {
        if ((rc = map_other(w, ".param", ".bin", err)))
            return rc;
        return fov_ncnn_parse(w, m[0].at, m[0].bytes, m[1].at, m[1].bytes, err);
    }
    const struct fov_format *const format = find_format(w->name, m[0].at, m[0].bytes);
    if (!format && has_suffix(w->name, ".bin")) {
        if ((rc = map_other(w, ".bin", ".param", err)))
            return rc;
        return fov_ncnn_parse(w, m[1].at, m[1].bytes, m[0].at, m[0].bytes, err);
    }
    return parse_as(format, w, m[0].at, m[0].bytes, err);
}

enum fov_code fov_weights_open(const char *path, struct fov_weights **ret_file, struct fov_err *err)
{
    FOV_AUTO(close_at) struct fov_weights *w = file_new(path, err);
    enum fov_code rc;
    if (!w)
        return FOV_ENOMEM;
    if ((rc = map_file(path, &w->maps[0], err)) || (rc = parse_file(w, err)))
        return rc;
    *ret_file = FOV_STEAL(w);
    return FOV_OK;
}

/* ---- what it holds ----------------------------------------------------------------------- */

const char *fov_weights_name(const struct fov_weights *file)
{
    return file->name;
}

size_t fov_weights_count(const struct fov_weights *file)
{
    return file->n_tensors;
}

const struct fov_tensor *fov_weights_at(const struct fov_weights *file, size_t i)
{
    return &file->tensors[i];
}

const struct fov_tensor *fov_weights_find(const struct fov_weights *file, const char *name)
{
    for (size_t i = 0; i < file->n_tensors; i++)
        if (!strcmp(file->tensors[i].name, name))
            return &file->tensors[i];
    return NULL;
}

enum fov_code fov_weights_replace(struct fov_weights *file, const char *name, size_t n_elements,
                                  float **ret_values, struct fov_err *err)
{
    for (size_t i = 0; i < file->n_tensors; i++) {
        struct fov_tensor *const t = &file->tensors[i];
        if (strcmp(t->name, name) || t->n_elements != n_elements)
            continue;
        struct fov__values *const v =
            fov_calloc(1 + sizeof(*v) / sizeof(float) + n_elements, sizeof(float));
        if (!v)
            return fov_fail(err, FOV_ENOMEM, "%s: no memory for tensor %.60s", file->name, name);
        v->next = file->replaced;
        file->replaced = v;
        t->dtype = "F32";
        t->data = (const unsigned char *)v->values;
        t->bytes = n_elements * sizeof(float);
        *ret_values = v->values;
        return FOV_OK;
    }
    return fov_fail(err, FOV_EMODEL, "%s: there is no tensor %.60s of %zu numbers", file->name,
                    name, n_elements);
}

size_t fov_weights_n_metadata(const struct fov_weights *file)
{
    return file->n_metadata;
}

void fov_weights_metadata_at(const struct fov_weights *file, size_t i, const char **ret_key,
                             const char **ret_value)
{
    *ret_key = file->metadata[i].key;
    *ret_value = file->metadata[i].value;
}

enum fov_code fov_tensor_read(const struct fov_weights *file, const struct fov_tensor *tensor,
                              float *dst, struct fov_err *err)
{
    const struct dtype *const type = find_dtype(tensor->dtype);
    if (!type || !type->read)
        return fov_fail(err, FOV_EMODEL,
                        "%s: tensor %.60s is %s; weights are F64, F32, F16 or BF16", file->name,
                        tensor->name, tensor->dtype);
    type->read(tensor->data, tensor->n_elements, dst);
    for (size_t i = 0; i < tensor->n_elements; i++)
        if (!__builtin_isfinite(dst[i]))
            return fov_fail(err, FOV_EMODEL, "%s: tensor %.60s holds a number that is not finite",
                            file->name, tensor->name);
    return FOV_OK;
}
