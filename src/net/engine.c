/* SPDX-License-Identifier: Apache-2.0 */
/* engine.c -- the public interface, fovea/fovea.h, over the parts of net/.
 *
 * Threads: an engine and a model may be shared; a stream is read by one thread at a time and
 * cancelled from any. Owns: what its *_open() functions give. Trust: nothing a caller passes is
 * asserted; a shape or a path may come from a picture or a user.
 */
#include "fovea/fovea.h"

#include <stdio.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "net/arch.h"
#include "net/dials.h"
#include "net/engine.h"
#include "net/mix.h"
#include "net/pieces.h"
#include "net/plan.h"
#include "net/rows.h"
#include "net/wave.h"

#define DEFAULT_MEMORY ((size_t)4 << 30) /* of a stream */

struct fov_engine {
    struct fov_kernels kernels;
    struct fov_pool *pool;
    unsigned cpu;
    bool exact;
};

struct metadata {
    char *key, *value;
};

struct fov_model {
    struct fov_engine *engine;
    struct fov_packed packed;
    struct metadata *metadata;
    size_t n_metadata;
    struct fov_dials dials;
};

struct fov_stream { /* the one or the other */
    struct fov_wave *wave;
    struct fov_pieces *pieces;
};

const char *fov_version(void)
{
    return FOVEA_VERSION;
}

/* ---- engine ------------------------------------------------------------------------------ */

static void engine_close_at(struct fov_engine **engine)
{
    fov_engine_close(*engine);
}

static enum fov_code unknown_cpu(const char *name, struct fov_err *err)
{
    char known[80] = "";
    for (int i = 0; i < fov_cpu_n_levels; i++) {
        const size_t used = strlen(known);
        (void)snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "",
                       fov_cpu_levels[i].name);
    }
    return fov_fail(err, FOV_EUSAGE, "the CPU level '%.20s' is not one of %s", name, known);
}

enum fov_code fov_engine_open(const struct fov_engine_options *options,
                              struct fov_engine **ret_engine, struct fov_err *err)
{
    const struct fov_engine_options defaults = {0};
    const struct fov_engine_options *const o = options ? options : &defaults;
    unsigned mask = FOV_CPU_ALL;

    if (o->cpu && !fov_cpu_parse(o->cpu, &mask))
        return unknown_cpu(o->cpu, err);
    FOV_AUTO(engine_close_at) struct fov_engine *e = fov_calloc(1, sizeof(*e));
    if (!e)
        return fov_fail(err, FOV_ENOMEM, "no memory to start the engine");
    e->cpu = fov_cpu_detect() & mask;
    e->exact = o->exact;
    fov_kernels_init(&e->kernels, e->cpu);

    const int cores = fov_cpu_count();
    const int n_threads = o->n_threads                   ? o->n_threads
                          : cores < FOV_POOL_MAX_THREADS ? cores
                                                         : FOV_POOL_MAX_THREADS;
    const enum fov_code rc = fov_pool_open(n_threads, &e->pool, err);
    if (rc)
        return rc;
    *ret_engine = FOV_STEAL(e);
    return FOV_OK;
}

void fov_engine_close(struct fov_engine *engine)
{
    if (!engine)
        return;
    fov_pool_close(engine->pool);
    fov_free(engine);
}

const char *fov_engine_cpu(const struct fov_engine *engine)
{
    return fov_cpu_name(engine->cpu);
}

int fov_engine_n_threads(const struct fov_engine *engine)
{
    return fov_pool_n_threads(engine->pool);
}

void fov_engine_limit(struct fov_engine *engine, int n)
{
    fov_pool_limit(engine->pool, n);
}

/* ---- model ------------------------------------------------------------------------------- */

static void file_close_at(struct fov_weights **file)
{
    fov_weights_close(*file);
}

static void model_close_at(struct fov_model **model)
{
    fov_model_close(*model);
}

/* The file is closed when a model is open, so what it says of itself is copied. */
static enum fov_code copy_metadata(struct fov_model *m, const struct fov_weights *file,
                                   struct fov_err *err)
{
    const size_t n = fov_weights_n_metadata(file);
    if (!(m->metadata = fov_calloc(n, sizeof(*m->metadata))))
        return fov_fail(err, FOV_ENOMEM, "no memory for a model's metadata");
    for (; m->n_metadata < n; m->n_metadata++) {
        const char *key, *value;
        struct metadata *const to = &m->metadata[m->n_metadata];
        fov_weights_metadata_at(file, m->n_metadata, &key, &value);
        if (!(to->key = fov_strdup(key)) || !(to->value = fov_strdup(value))) {
            fov_free(FOV_STEAL(to->key));
            return fov_fail(err, FOV_ENOMEM, "no memory for a model's metadata");
        }
    }
    return FOV_OK;
}

static enum fov_code check_shares(const struct fov_model_part *parts, int n_parts,
                                  struct fov_err *err)
{
    double sum = 0;
    for (int i = 0; i < n_parts; i++) {
        if (!(parts[i].share >= -1 && parts[i].share <= 2)) /* nor NaN */
            return fov_fail(err, FOV_EUSAGE, "%s: a share of %g is not from -1 to 2", parts[i].path,
                            parts[i].share);
        sum += parts[i].share;
    }
    if (!(sum > 1 - 1e-6 && sum < 1 + 1e-6))
        return fov_fail(err, FOV_EUSAGE, "the shares of a mix sum up to %g, not to 1", sum);
    return FOV_OK;
}

/* Mix the files of parts[1..] into `file`, which is that of parts[0]. */
static enum fov_code mix_in(struct fov_weights *file, const struct fov_model_part *parts,
                            int n_parts, struct fov_err *err)
{
    enum fov_code rc = FOV_OK;
    for (int i = 1; i < n_parts && !rc; i++) {
        FOV_AUTO(file_close_at) struct fov_weights *other = NULL;
        rc = fov_weights_open(parts[i].path, &other, err);
        if (!rc)
            rc = fov_mix(file, i == 1 ? (float)parts[0].share : 1, other, (float)parts[i].share,
                         err);
    }
    return rc;
}

/* The network in `file`, laid out. */
static enum fov_code build(struct fov_engine *engine, struct fov_weights *file,
                           const struct fov_dials *dials, struct fov_model **ret_model,
                           struct fov_err *err)
{
    FOV_AUTO(fov_free_at) struct fov_graph *graph = fov_calloc(1, sizeof(*graph));
    FOV_AUTO(model_close_at) struct fov_model *m = fov_calloc(1, sizeof(*m));
    enum fov_code rc;

    if (!graph || !m)
        return fov_fail(err, FOV_ENOMEM, "no memory to open a model");
    m->engine = engine;
    m->dials = *dials;
    if ((rc = fov_arch_build(file, graph, err)) ||
        (rc = fov_packed_init(graph, &engine->kernels, engine->exact,
                              fov_pool_n_threads(engine->pool), &m->packed, err)) ||
        (rc = copy_metadata(m, file, err)))
        return rc;
    *ret_model = FOV_STEAL(m);
    return FOV_OK;
}

enum fov_code fov_model_open_mix(struct fov_engine *engine, const struct fov_model_part *parts,
                                 int n_parts, struct fov_model **ret_model, struct fov_err *err)
{
    FOV_AUTO(file_close_at) struct fov_weights *file = NULL;
    const struct fov_dials none = {.detail = 0, .denoise = 1, .is_clean = 0};
    enum fov_code rc;

    if ((rc = check_shares(parts, n_parts, err)) ||
        (rc = fov_weights_open(parts[0].path, &file, err)) ||
        (rc = mix_in(file, parts, n_parts, err)))
        return rc;
    return build(engine, file, &none, ret_model, err);
}

enum fov_code fov_model_open(struct fov_engine *engine, const char *path,
                             struct fov_model **ret_model, struct fov_err *err)
{
    const struct fov_model_part whole = {path, 1};
    return fov_model_open_mix(engine, &whole, 1, ret_model, err);
}

enum fov_code fov_model_open_dialled(struct fov_engine *engine, const char *path,
                                     const struct fov_dials *dials, struct fov_model **ret_model,
                                     struct fov_err *err)
{
    FOV_AUTO(file_close_at) struct fov_weights *file = NULL;
    FOV_AUTO(fov_dialled_done) struct fov_dialled turned = {0};
    enum fov_code rc;

    if ((rc = fov_weights_open(path, &file, err)) ||
        (rc = fov_dialled_init(file, path, dials, &turned, err)) ||
        (rc = mix_in(file, turned.parts, turned.n_parts, err)))
        return rc;
    return build(engine, file, &turned.dials, ret_model, err);
}

void fov_model_get_dials(const struct fov_model *model, struct fov_dials *ret_dials)
{
    *ret_dials = model->dials;
}

void fov_model_close(struct fov_model *model)
{
    if (!model)
        return;
    for (size_t i = 0; i < model->n_metadata; i++) {
        fov_free(model->metadata[i].key);
        fov_free(model->metadata[i].value);
    }
    fov_free(model->metadata);
    fov_packed_done(&model->packed);
    fov_free(model);
}

void fov_model_get_info(const struct fov_model *model, struct fov_model_info *ret_info)
{
    const struct fov_packed *const p = &model->packed;
    struct fov_plan plan;

    *ret_info = (struct fov_model_info){
        .architecture = p->architecture,
        .scale = p->scale,
        .n_channels = p->n_channels,
        .n_convolutions = p->n_layers - 1,
        .n_parameters = p->n_parameters,
        .n_multiply_adds = p->n_multiply_adds,
    };
    if (!fov_plan_init(p, 1, 1, 1, &plan, NULL)) {
        ret_info->receptive_radius_px = fov_plan_radius(&plan) * p->unshuffle;
        ret_info->overlap_px = fov_plan_overlap(&plan) * p->unshuffle;
        fov_plan_done(&plan);
    }
}

void fov_model_get_layer(const struct fov_model *model, int i, struct fov_layer_info *ret_info)
{
    static const char *const names[] = {
        [FOV_DIRECT] = "float32",
        [FOV_WINOGRAD_F32] = "float32 Winograd",
        [FOV_WINOGRAD_I16] = "int16 Winograd",
        [FOV_WINOGRAD_BYTES] = "int16 Winograd",
    };
    const struct fov_packed_layer *const l = &model->packed.layers[i + 1]; /* 0 is the input */
    *ret_info = (struct fov_layer_info){
        .taps = l->conv.taps,
        .in_ch = l->in_ch,
        .out_ch = l->out_ch,
        .arithmetic = names[l->method],
        .error = l->error,
    };
}

const char *fov_model_metadata(const struct fov_model *model, const char *key)
{
    for (size_t i = 0; i < model->n_metadata; i++)
        if (!strcmp(model->metadata[i].key, key))
            return model->metadata[i].value;
    return NULL;
}

/* ---- pictures ---------------------------------------------------------------------------- */

enum fov_code fov_stream_open(struct fov_model *model, const struct fov_stream_options *options,
                              struct fov_stream **ret_stream, struct fov_err *err)
{
    if (!options->read)
        return fov_fail(err, FOV_EUSAGE, "a stream needs a function to read rows with");
    FOV_AUTO(fov_free_at) struct fov_stream *s = fov_calloc(1, sizeof(*s));
    if (!s)
        return fov_fail(err, FOV_ENOMEM, "no memory to begin a picture");
    const struct fov_packed *const net = &model->packed;
    const struct fov_kernels *const kernels = &model->engine->kernels;
    struct fov_pool *const pool = model->engine->pool;
    struct fov_stream_options o = *options;
    if (!o.max_memory_bytes)
        o.max_memory_bytes = DEFAULT_MEMORY;
    const enum fov_code rc =
        fov_wave_memory(net, fov_pool_n_threads(pool), &o.shape) <= o.max_memory_bytes
            ? fov_wave_open(net, kernels, pool, &o, &s->wave, err)
            : fov_pieces_open(net, kernels, pool, &o, &s->pieces, err);
    if (rc)
        return rc;
    *ret_stream = FOV_STEAL(s);
    return FOV_OK;
}

void fov_stream_close(struct fov_stream *stream)
{
    if (!stream)
        return;
    fov_wave_close(stream->wave);
    fov_pieces_close(stream->pieces);
    fov_free(stream);
}

enum fov_code fov_stream_read(struct fov_stream *stream, int n_rows, void *rows,
                              struct fov_err *err)
{
    return stream->wave ? fov_wave_read(stream->wave, n_rows, rows, err)
                        : fov_pieces_read(stream->pieces, n_rows, rows, err);
}

void fov_stream_cancel(struct fov_stream *stream)
{
    if (stream->wave)
        fov_wave_cancel(stream->wave);
    else
        fov_pieces_cancel(stream->pieces);
}

size_t fov_stream_memory(const struct fov_model *model, const struct fov_shape *shape)
{
    const int n_threads = fov_pool_n_threads(model->engine->pool);
    const size_t bytes = fov_wave_memory(&model->packed, n_threads, shape);
    return bytes <= DEFAULT_MEMORY
               ? bytes
               : fov_pieces_memory(&model->packed, n_threads, shape, DEFAULT_MEMORY);
}

struct whole {
    const unsigned char *input;
    size_t row_bytes;
};

static int read_whole(void *user, int y, int n_rows, void *rows)
{
    const struct whole *const w = user;
    memcpy(rows, w->input + (size_t)y * w->row_bytes, (size_t)n_rows * w->row_bytes);
    return 0;
}

enum fov_code fov_upscale(struct fov_model *model, const struct fov_shape *shape, const void *input,
                          void *result, struct fov_err *err)
{
    struct fov_stream *stream;
    struct whole whole = {
        .input = input,
        .row_bytes =
            (size_t)shape->width_px * (size_t)shape->n_channels * fov_sample_bytes(shape->sample),
    };
    const struct fov_stream_options options = {.shape = *shape, .read = read_whole, .user = &whole};

    enum fov_code rc = fov_stream_open(model, &options, &stream, err);
    if (rc)
        return rc;
    rc = fov_stream_read(stream, shape->height_px * model->packed.scale, result, err);
    fov_stream_close(stream);
    return rc;
}
