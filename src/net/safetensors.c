/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors.c -- map a model file and prove it before anything looks at a weight.
 *
 *   | u64 header length | JSON header ...................... | tensor data ............ |
 *     little endian       {"name": {"dtype", "shape",          data_offsets count from
 *                           "data_offsets": [begin, end]}}     here
 *
 * Model files come from strangers. All sizes are checked with overflow-safe arithmetic against the
 * real length of the file before a pointer is made, and the tensors, sorted by where they begin,
 * must tile the data exactly: no overlap, no hole, nothing behind the last. Numbers are looked at
 * when they are read: one NaN would spread over the whole picture.
 *
 * Threads: a file is read-only once open. Owns: the mapping and one block for names.
 * Trust: every byte. See: https://huggingface.co/docs/safetensors
 */
#define _GNU_SOURCE
#include "net/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/json.h"

struct metadata {
    const char *key, *value;
};

struct fov_safetensors {
    char *name;
    void *map; /* NULL when the bytes belong to the caller */
    size_t map_bytes;
    char *strings; /* as long as the header, which decoded strings cannot outgrow */
    struct fov_tensor *tensors;
    size_t n_tensors, max_tensors;
    struct metadata *metadata;
    size_t n_metadata;
};

static const struct {
    const char *name;
    size_t bytes;
} dtypes[] = {
    {"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"I64", 8}, {"I32", 4},  {"I16", 2},
    {"I8", 1},  {"U8", 1},  {"U16", 2}, {"U32", 4},  {"U64", 8}, {"BOOL", 1},
};

void fov_safetensors_close(struct fov_safetensors *file)
{
    if (!file)
        return;
    if (file->map)
        munmap(file->map, file->map_bytes);
    fov_free(file->name);
    fov_free(file->strings);
    fov_free(file->tensors);
    fov_free(file->metadata);
    fov_free(file);
}

static void close_at(struct fov_safetensors **file)
{
    fov_safetensors_close(*file);
}

static enum fov_code malformed(const struct fov_safetensors *f, struct fov_err *err)
{
    return fov_fail(err, FOV_EMODEL,
                    "%s: not a .safetensors file: its header is not the expected JSON", f->name);
}

static enum fov_code parse_metadata(struct fov_safetensors *f, struct fov_json *j,
                                    struct fov_err *err)
{
    if (f->metadata)
        return fov_fail(err, FOV_EMODEL, "%s: the header has __metadata__ twice", f->name);
    if (!(f->metadata = fov_calloc(FOV_ST_MAX_METADATA, sizeof(*f->metadata))))
        return fov_fail(err, FOV_ENOMEM, "%s: no memory for its header", f->name);
    if (!fov_json_take(j, '{'))
        return malformed(f, err);
    if (fov_json_take(j, '}'))
        return FOV_OK;
    do {
        struct metadata m;
        if (!fov_json_string(j, &m.key) || !fov_json_take(j, ':') || !fov_json_string(j, &m.value))
            return malformed(f, err);
        if (f->n_metadata == FOV_ST_MAX_METADATA)
            return fov_fail(err, FOV_EMODEL, "%s: more than %d metadata entries", f->name,
                            FOV_ST_MAX_METADATA);
        f->metadata[f->n_metadata++] = m;
    } while (fov_json_take(j, ','));
    return fov_json_take(j, '}') ? FOV_OK : malformed(f, err);
}

static bool parse_shape(struct fov_json *j, struct fov_tensor *t)
{
    if (!fov_json_take(j, '['))
        return false;
    t->n_dims = 0;
    if (fov_json_take(j, ']'))
        return true;
    do {
        if (t->n_dims == FOV_ST_MAX_DIMS || !fov_json_size(j, &t->dims[t->n_dims]))
            return false;
        t->n_dims++;
    } while (fov_json_take(j, ','));
    return fov_json_take(j, ']');
}

/* The object behind a tensor's name: its three members, once each, in any order. */
static bool parse_members(struct fov_json *j, struct fov_tensor *t, size_t ret_range[2])
{
    unsigned seen = 0;
    if (!fov_json_take(j, '{'))
        return false;
    do {
        const char *key;
        unsigned bit;
        if (!fov_json_string(j, &key) || !fov_json_take(j, ':'))
            return false;
        if (!strcmp(key, "dtype")) {
            bit = 1;
            if (!fov_json_string(j, &t->dtype))
                return false;
        } else if (!strcmp(key, "shape")) {
            bit = 2;
            if (!parse_shape(j, t))
                return false;
        } else if (!strcmp(key, "data_offsets")) {
            bit = 4;
            if (!fov_json_take(j, '[') || !fov_json_size(j, &ret_range[0]) ||
                !fov_json_take(j, ',') || !fov_json_size(j, &ret_range[1]) ||
                !fov_json_take(j, ']'))
                return false;
        } else {
            return false;
        }
        if (seen & bit)
            return false;
        seen |= bit;
    } while (fov_json_take(j, ','));
    return fov_json_take(j, '}') && seen == 7;
}

/* Does the range lie inside the data and hold what type and shape ask for? */
static enum fov_code prove_tensor(const struct fov_safetensors *f, struct fov_tensor *t,
                                  const size_t range[2], size_t data_bytes, struct fov_err *err)
{
    size_t element_bytes = 0, bytes;
    for (size_t i = 0; i < FOV_N_ELEMENTS(dtypes); i++)
        if (!strcmp(t->dtype, dtypes[i].name))
            element_bytes = dtypes[i].bytes;
    if (!element_bytes)
        return fov_fail(err, FOV_EMODEL, "%s: tensor %.60s has the unknown type %.20s", f->name,
                        t->name, t->dtype);
    if (range[0] > range[1] || range[1] > data_bytes)
        return fov_fail(err, FOV_EMODEL,
                        "%s: tensor %.60s ends at byte %zu of %zu: the file is truncated or "
                        "damaged",
                        f->name, t->name, range[1], data_bytes);

    t->n_elements = 1;
    for (int i = 0; i < t->n_dims; i++)
        if (__builtin_mul_overflow(t->n_elements, t->dims[i], &t->n_elements))
            return fov_fail(err, FOV_EMODEL, "%s: tensor %.60s is larger than memory", f->name,
                            t->name);
    t->bytes = range[1] - range[0];
    if (__builtin_mul_overflow(t->n_elements, element_bytes, &bytes) || bytes != t->bytes)
        return fov_fail(err, FOV_EMODEL,
                        "%s: tensor %.60s has %zu bytes, which is not what its shape and type "
                        "%s ask for",
                        f->name, t->name, t->bytes, t->dtype);
    return FOV_OK;
}

static enum fov_code add_tensor(struct fov_safetensors *f, const struct fov_tensor *t,
                                struct fov_err *err)
{
    if (f->n_tensors == FOV_ST_MAX_TENSORS)
        return fov_fail(err, FOV_EMODEL, "%s: more than %d tensors", f->name, FOV_ST_MAX_TENSORS);
    if (f->n_tensors == f->max_tensors) {
        const size_t max = f->max_tensors ? 2 * f->max_tensors : 64;
        struct fov_tensor *grown = fov_realloc(f->tensors, max, sizeof(*grown));
        if (!grown)
            return fov_fail(err, FOV_ENOMEM, "%s: no memory for its header", f->name);
        f->tensors = grown;
        f->max_tensors = max;
    }
    f->tensors[f->n_tensors++] = *t;
    return FOV_OK;
}

static int by_data(const void *a, const void *b)
{
    const struct fov_tensor *x = a, *y = b;
    if (x->data != y->data)
        return x->data < y->data ? -1 : 1;
    return x->bytes < y->bytes ? -1 : x->bytes > y->bytes; /* an empty one first */
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct fov_tensor *)a)->name, ((const struct fov_tensor *)b)->name);
}

/* Sorted by name no two are equal; sorted by data they tile it. Leaves them sorted by data. */
static enum fov_code prove_tiling(struct fov_safetensors *f, const unsigned char *data,
                                  size_t data_bytes, struct fov_err *err)
{
    if (!f->n_tensors)
        return fov_fail(err, FOV_EMODEL, "%s: holds no tensors", f->name);
    qsort(f->tensors, f->n_tensors, sizeof(*f->tensors), by_name);
    for (size_t i = 1; i < f->n_tensors; i++)
        if (!strcmp(f->tensors[i - 1].name, f->tensors[i].name))
            return fov_fail(err, FOV_EMODEL, "%s: tensor %.60s appears twice", f->name,
                            f->tensors[i].name);

    qsort(f->tensors, f->n_tensors, sizeof(*f->tensors), by_data);
    const unsigned char *end = data;
    for (size_t i = 0; i < f->n_tensors; i++) {
        const struct fov_tensor *const t = &f->tensors[i];
        if (t->data < end)
            return fov_fail(err, FOV_EMODEL, "%s: tensors %.60s and %.60s overlap", f->name,
                            f->tensors[i - 1].name, t->name);
        if (t->data > end)
            return fov_fail(err, FOV_EMODEL, "%s: there is a hole of %zu bytes before tensor %.60s",
                            f->name, (size_t)(t->data - end), t->name);
        end = t->data + t->bytes;
    }
    if (end != data + data_bytes)
        return fov_fail(err, FOV_EMODEL, "%s: %zu bytes after the last tensor belong to none",
                        f->name, (size_t)(data + data_bytes - end));
    return FOV_OK;
}

static enum fov_code parse_header(struct fov_safetensors *f, const char *header,
                                  size_t header_bytes, size_t data_bytes, struct fov_err *err)
{
    struct fov_json j = {.at = header, .end = header + header_bytes, .out = f->strings};
    const unsigned char *const data = (const unsigned char *)header + header_bytes;
    enum fov_code rc;

    if (!fov_json_take(&j, '{'))
        return malformed(f, err);
    if (!fov_json_take(&j, '}')) {
        do {
            struct fov_tensor t = {0};
            size_t range[2];
            if (!fov_json_string(&j, &t.name) || !fov_json_take(&j, ':'))
                return malformed(f, err);
            if (!strcmp(t.name, "__metadata__")) {
                if ((rc = parse_metadata(f, &j, err)))
                    return rc;
                continue;
            }
            if (!parse_members(&j, &t, range))
                return malformed(f, err);
            if ((rc = prove_tensor(f, &t, range, data_bytes, err)))
                return rc;
            t.data = data + range[0];
            if ((rc = add_tensor(f, &t, err)))
                return rc;
        } while (fov_json_take(&j, ','));
        if (!fov_json_take(&j, '}'))
            return malformed(f, err);
    }
    if (!fov_json_at_end(&j))
        return malformed(f, err);
    return prove_tiling(f, data, data_bytes, err);
}

static enum fov_code parse_into(struct fov_safetensors *f, const unsigned char *bytes, size_t n,
                                struct fov_err *err)
{
    uint64_t header_bytes = 0;
    if (n < 8)
        return fov_fail(err, FOV_EMODEL, "%s: not a .safetensors file: only %zu bytes long",
                        f->name, n);
    for (int i = 7; i >= 0; i--)
        header_bytes = header_bytes << 8 | bytes[i];
    if (header_bytes > FOV_ST_MAX_HEADER_BYTES)
        return fov_fail(err, FOV_EMODEL,
                        "%s: not a .safetensors file: it claims a header of %llu bytes, the limit "
                        "is %u",
                        f->name, (unsigned long long)header_bytes, FOV_ST_MAX_HEADER_BYTES);
    if (header_bytes > n - 8)
        return fov_fail(err, FOV_EMODEL,
                        "%s: its header of %llu bytes is longer than the file: it is truncated or "
                        "damaged",
                        f->name, (unsigned long long)header_bytes);
    if (!(f->strings = fov_calloc((size_t)header_bytes + 1, 1)))
        return fov_fail(err, FOV_ENOMEM, "%s: no memory for its header", f->name);
    return parse_header(f, (const char *)bytes + 8, (size_t)header_bytes,
                        n - 8 - (size_t)header_bytes, err);
}

static struct fov_safetensors *file_new(const char *name, struct fov_err *err)
{
    struct fov_safetensors *f = fov_calloc(1, sizeof(*f));
    if (!f || !(f->name = fov_strdup(name))) {
        fov_safetensors_close(f);
        (void)fov_fail(err, FOV_ENOMEM, "%s: no memory to open it", name);
        return NULL;
    }
    return f;
}

enum fov_code fov_safetensors_parse(const void *data, size_t bytes, const char *name,
                                    struct fov_safetensors **ret_file, struct fov_err *err)
{
    FOV_AUTO(close_at) struct fov_safetensors *f = file_new(name, err);
    if (!f)
        return FOV_ENOMEM;
    const enum fov_code rc = parse_into(f, data, bytes, err);
    if (rc)
        return rc;
    *ret_file = FOV_STEAL(f);
    return FOV_OK;
}

static enum fov_code map_file(struct fov_safetensors *f, struct fov_err *err)
{
    const int fd = open(f->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    if (fd < 0 || fstat(fd, &st)) {
        const int e = errno;
        if (fd >= 0)
            close(fd);
        return fov_fail(err, FOV_EMODEL, "%s: cannot open this model: %s", f->name, strerror(e));
    }
    if (!S_ISREG(st.st_mode) || st.st_size < 8) {
        close(fd);
        return fov_fail(err, FOV_EMODEL, "%s: not a .safetensors file: %s", f->name,
                        S_ISREG(st.st_mode) ? "too short" : "not a regular file");
    }
    void *const map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    const int e = errno;
    close(fd);
    if (map == MAP_FAILED)
        return fov_fail(err, FOV_EMODEL, "%s: cannot map this model: %s", f->name, strerror(e));
    f->map = map;
    f->map_bytes = (size_t)st.st_size;
    return FOV_OK;
}

enum fov_code fov_safetensors_open(const char *path, struct fov_safetensors **ret_file,
                                   struct fov_err *err)
{
    FOV_AUTO(close_at) struct fov_safetensors *f = file_new(path, err);
    enum fov_code rc;
    if (!f)
        return FOV_ENOMEM;
    if ((rc = map_file(f, err)) || (rc = parse_into(f, f->map, f->map_bytes, err)))
        return rc;
    *ret_file = FOV_STEAL(f);
    return FOV_OK;
}

const char *fov_safetensors_name(const struct fov_safetensors *file)
{
    return file->name;
}

size_t fov_safetensors_count(const struct fov_safetensors *file)
{
    return file->n_tensors;
}

const struct fov_tensor *fov_safetensors_at(const struct fov_safetensors *file, size_t i)
{
    return &file->tensors[i];
}

const struct fov_tensor *fov_safetensors_find(const struct fov_safetensors *file, const char *name)
{
    for (size_t i = 0; i < file->n_tensors; i++)
        if (!strcmp(file->tensors[i].name, name))
            return &file->tensors[i];
    return NULL;
}

size_t fov_safetensors_n_metadata(const struct fov_safetensors *file)
{
    return file->n_metadata;
}

void fov_safetensors_metadata_at(const struct fov_safetensors *file, size_t i, const char **ret_key,
                                 const char **ret_value)
{
    *ret_key = file->metadata[i].key;
    *ret_value = file->metadata[i].value;
}

/* IEEE 754 binary16 to binary32; exact. */
static float from_f16(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31;
    uint32_t mantissa = h & 0x3ff, bits;
    float value;

    if (exponent == 0) { /* zero or subnormal: mantissa * 2^-24 */
        value = (float)mantissa * 0x1p-24f;
        return sign ? -value : value;
    }
    bits = sign | (exponent == 31 ? 255u << 23 : (exponent + 112) << 23) | mantissa << 13;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static float element(const struct fov_tensor *t, size_t i)
{
    uint32_t bits;
    uint16_t half;
    float value;

    if (t->dtype[0] == 'F' && t->dtype[1] == '3') {
        memcpy(&value, t->data + 4 * i, sizeof(value));
        return value;
    }
    memcpy(&half, t->data + 2 * i, sizeof(half));
    if (t->dtype[0] == 'F')
        return from_f16(half);
    bits = (uint32_t)half << 16;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

enum fov_code fov_tensor_read(const struct fov_safetensors *file, const struct fov_tensor *tensor,
                              float *dst, struct fov_err *err)
{
    if (strcmp(tensor->dtype, "F32") && strcmp(tensor->dtype, "F16") &&
        strcmp(tensor->dtype, "BF16"))
        return fov_fail(err, FOV_EMODEL, "%s: tensor %.60s is %s; weights are F32, F16 or BF16",
                        file->name, tensor->name, tensor->dtype);
    for (size_t i = 0; i < tensor->n_elements; i++) {
        dst[i] = element(tensor, i);
        if (!__builtin_isfinite(dst[i]))
            return fov_fail(err, FOV_EMODEL, "%s: tensor %.60s holds a number that is not finite",
                            file->name, tensor->name);
    }
    return FOV_OK;
}
