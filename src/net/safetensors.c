/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors.c -- prove a .safetensors file before anything looks at a weight.
 *
 *   | u64 header length | JSON header ...................... | tensor data ............ |
 *     little endian       {"name": {"dtype", "shape",          data_offsets count from
 *                           "data_offsets": [begin, end]}}     here
 *
 * Model files come from strangers. All sizes are checked with overflow-safe arithmetic against the
 * real length of the file before a pointer is made, and the tensors, sorted by where they begin,
 * must tile the data exactly: no overlap, no hole, nothing behind the last.
 *
 * Threads: any. Owns: nothing; names go to one block of the struct fov_weights it fills.
 * Trust: every byte. See: https://huggingface.co/docs/safetensors, "Format"
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/bytes.h"
#include "net/format.h"
#include "net/json.h"

/* A longer header is not a network's. */
#define MAX_HEADER_BYTES (16u << 20)

static enum fov_code malformed(const struct fov_weights *f, struct fov_err *err)
{
    return fov_fail(err, FOV_EMODEL,
                    "%s: not a .safetensors file: its header is not the expected JSON", f->name);
}

static enum fov_code parse_metadata(struct fov_weights *f, struct fov_json *j, struct fov_err *err)
{
    if (f->metadata)
        return fov_fail(err, FOV_EMODEL, "%s: the header has __metadata__ twice", f->name);
    if (!(f->metadata = fov_calloc(FOV_MAX_METADATA, sizeof(*f->metadata))))
        return fov_fail(err, FOV_ENOMEM, "%s: no memory for its header", f->name);
    if (!fov_json_take(j, '{'))
        return malformed(f, err);
    if (fov_json_take(j, '}'))
        return FOV_OK;
    do {
        struct fov__metadata m;
        if (!fov_json_string(j, &m.key) || !fov_json_take(j, ':') || !fov_json_string(j, &m.value))
            return malformed(f, err);
        if (f->n_metadata == FOV_MAX_METADATA)
            return fov_fail(err, FOV_EMODEL, "%s: more than %d metadata entries", f->name,
                            FOV_MAX_METADATA);
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
        if (t->n_dims == FOV_MAX_TENSOR_DIMS || !fov_json_size(j, &t->dims[t->n_dims]))
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
static enum fov_code prove_tensor(const struct fov_weights *f, struct fov_tensor *t,
                                  const size_t range[2], size_t data_bytes, struct fov_err *err)
{
    size_t bytes;
    const enum fov_code rc = fov__tensor_size(f, t, &bytes, err);
    if (rc)
        return rc;
    if (range[0] > range[1] || range[1] > data_bytes)
        return fov_fail(err, FOV_EMODEL,
                        "%s: tensor %.60s ends at byte %zu of %zu: the file is truncated or "
                        "damaged",
                        f->name, t->name, range[1], data_bytes);
    t->bytes = range[1] - range[0];
    if (bytes != t->bytes)
        return fov_fail(err, FOV_EMODEL,
                        "%s: tensor %.60s has %zu bytes, which is not what its shape and type "
                        "%s ask for",
                        f->name, t->name, t->bytes, t->dtype);
    return FOV_OK;
}

static int by_data(const void *a, const void *b)
{
    const struct fov_tensor *x = a, *y = b;
    if (x->data != y->data)
        return x->data < y->data ? -1 : 1;
    return x->bytes < y->bytes ? -1 : x->bytes > y->bytes; /* an empty one first */
}

/* Sorted by name no two are equal; sorted by data they tile it. Leaves them sorted by data. */
static enum fov_code prove_tiling(struct fov_weights *f, const unsigned char *data,
                                  size_t data_bytes, struct fov_err *err)
{
    const enum fov_code rc = fov__weights_prove_names(f, err);
    if (rc)
        return rc;
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

static enum fov_code parse_header(struct fov_weights *f, const char *header, size_t header_bytes,
                                  size_t data_bytes, struct fov_err *err)
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
            if ((rc = fov__weights_add(f, &t, err)))
                return rc;
        } while (fov_json_take(&j, ','));
        if (!fov_json_take(&j, '}'))
            return malformed(f, err);
    }
    if (!fov_json_at_end(&j))
        return malformed(f, err);
    return prove_tiling(f, data, data_bytes, err);
}

/* There is no magic number: a length that can be one, and the brace that it counts. */
static bool matches(const unsigned char *data, size_t bytes)
{
    return bytes > 8 && fov_le64(data) <= MAX_HEADER_BYTES && data[8] == '{';
}

static enum fov_code parse(struct fov_weights *f, const unsigned char *data, size_t bytes,
                           struct fov_err *err)
{
    if (bytes < 8)
        return fov_fail(err, FOV_EMODEL, "%s: not a .safetensors file: only %zu bytes long",
                        f->name, bytes);
    const uint64_t header_bytes = fov_le64(data);
    if (header_bytes > MAX_HEADER_BYTES)
        return fov_fail(err, FOV_EMODEL,
                        "%s: not a .safetensors file: it claims a header of %llu bytes, the limit "
                        "is %u",
                        f->name, (unsigned long long)header_bytes, MAX_HEADER_BYTES);
    if (header_bytes > bytes - 8)
        return fov_fail(err, FOV_EMODEL,
                        "%s: its header of %llu bytes is longer than the file: it is truncated or "
                        "damaged",
                        f->name, (unsigned long long)header_bytes);
    if (!(f->strings = fov_calloc((size_t)header_bytes + 1, 1)))
        return fov_fail(err, FOV_ENOMEM, "%s: no memory for its header", f->name);
    return parse_header(f, (const char *)data + 8, (size_t)header_bytes,
                        bytes - 8 - (size_t)header_bytes, err);
}

const struct fov_format fov_format_safetensors = {matches, parse};
