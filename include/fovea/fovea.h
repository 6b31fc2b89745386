/* SPDX-License-Identifier: Apache-2.0 */
/* fovea.h -- enlarge pictures with neural networks: rows in, rows out.
 *
 * Three things: an *engine* (threads and the kernels of this CPU; one a program), a *model* (a
 * network's weights, laid out for that engine; one a file) and a *stream* (one picture on its way
 * through a model). A stream asks for the rows it needs and hands out rows of the result; its
 * memory grows with the width of the picture and not with its area. The result is the same, bit
 * for bit, at any number of threads.
 *
 *     struct fov_err err = {FOV_OK, ""};
 *     fov_engine_open(NULL, &engine, &err);
 *     fov_model_open(engine, "photo-x4.safetensors", &model, &err);
 *     fov_upscale(model, &shape, pixels, enlarged, &err);      (or a stream: see below)
 *     fov_model_close(model);
 *     fov_engine_close(engine);
 *
 * Nothing here prints, exits or aborts, and running allocates nothing: memory is taken when
 * something is opened. Every function that can fail returns a code and writes one sentence to
 * `err` (which may be NULL); results are set only on success. *_close() accepts NULL.
 */
#ifndef FOVEA_FOVEA_H
#define FOVEA_FOVEA_H

#include <stddef.h>

#include "fovea/err.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define FOV_API __attribute__((visibility("default")))
#else
#define FOV_API
#endif

struct fov_engine;
struct fov_model;
struct fov_stream;

/* ---- engine ---------------------------------------------------------------------------- */

struct fov_engine_options {
    int n_threads;   /* that compute, the caller's included, up to 256; 0: one for each core */
    const char *cpu; /* at most this instruction set, a name of fov_engine_cpu(); NULL: the best */
    int exact; /* nonzero: float32 throughout, about half as fast; else int16 where it is safe */
};

/* Start an engine; `options` may be NULL. Gives *ret_engine; end it with fov_engine_close(), after
 * its models. FOV_EUSAGE for an option out of range, FOV_ENOMEM. */
FOV_API enum fov_code fov_engine_open(const struct fov_engine_options *options,
                                      struct fov_engine **ret_engine, struct fov_err *err);
FOV_API void fov_engine_close(struct fov_engine *engine);

/* The instruction set in use: "c", "avx2", "avxvnni", "avx512", "avx512vnni" or "amx". */
FOV_API const char *fov_engine_cpu(const struct fov_engine *engine);
FOV_API int fov_engine_n_threads(const struct fov_engine *engine);

/* ---- model ----------------------------------------------------------------------------- */

/* Load the network in the file `path`: proven, recognised by its tensors' names, its weights laid
 * out for the engine. The content tells the format: .safetensors, .pth of PyTorch's torch.save() in
 * both of its forms (nothing in it is executed), or one half of an ncnn network, .param or .bin,
 * with the other beside it. The file is not needed afterwards. Gives *ret_model; end it with
 * fov_model_close(), after its streams. Keeps `engine`. FOV_EMODEL when the file cannot be read, is
 * damaged or holds no network known here, FOV_ENOMEM. A model may be used by many threads. */
FOV_API enum fov_code fov_model_open(struct fov_engine *engine, const char *path,
                                     struct fov_model **ret_model, struct fov_err *err);
FOV_API void fov_model_close(struct fov_model *model);

/* A file of a mix, and how much of its weights is taken. */
struct fov_model_part {
    const char *path;
    double share; /* -1 to 2; those of a mix sum up to 1 */
};

/* The same for a network between others: each of its weights is the sum of those of the files, each
 * times its share. That is a dial between networks that were trained on from one ancestor: faithful
 * and detailed, or one that removes noise and one that leaves it. All files hold tensors of the
 * same names and shapes; metadata are those of the first. Errors of fov_model_open(); FOV_EUSAGE
 * for shares out of range or no parts, FOV_EMODEL for files that do not fit together. */
FOV_API enum fov_code fov_model_open_mix(struct fov_engine *engine,
                                         const struct fov_model_part *parts, int n_parts,
                                         struct fov_model **ret_model, struct fov_err *err);

/* How far a network is turned towards the partners that its metadata name: files of the same kind
 * in the same folder, trained on from the same ancestor.
 *
 *   detail   0: faithful, as the file is; 1: the network `detailed` names, which draws texture
 *   denoise  1: as the file is; 0: the network `clean` names, which takes noise for detail, and
 *            for its detailed end `clean_detailed` or what `detailed` adds to the file
 *
 * Below 0 it is the default. For detail: what the metadata `detail` says, when the partner is
 * there. For denoise: 0 when the pictures to come are known to be clean, neither compressed nor
 * noisy, and the clean partner is there. Else: as the file is. */
struct fov_dials {
    double detail, denoise;
    int is_clean; /* those pictures: nonzero when it is known */
};

/* Open a network with its dials turned. FOV_EUSAGE for a dial above 1, FOV_EMODEL when one is
 * turned for which the file names no partner, or the partner is not there; else errors of
 * fov_model_open_mix(). */
FOV_API enum fov_code fov_model_open_dialled(struct fov_engine *engine, const char *path,
                                             const struct fov_dials *dials,
                                             struct fov_model **ret_model, struct fov_err *err);

/* Where the dials of a model stand: 0 and 1 for one that was not opened with them. */
FOV_API void fov_model_get_dials(const struct fov_model *model, struct fov_dials *ret_dials);

struct fov_model_info {
    const char *architecture; /* "residual", "compact", "esrgan", "span", "edsr" */
    int scale;                /* 2, 3 or 4 (1 for a network that only cleans) */
    int n_channels;           /* of its widest layer */
    int n_convolutions;
    long long n_parameters;
    long long n_multiply_adds; /* for one pixel of the input */
    int receptive_radius_px;   /* how far an input pixel can reach, on the input's scale */
    int overlap_px; /* of surroundings with which a part of a picture, cut at multiples of 48 px,
                       gets the very bits that it has in the whole */
};
FOV_API void fov_model_get_info(const struct fov_model *model, struct fov_model_info *ret_info);

/* One convolution of a network, as this engine runs it. */
struct fov_layer_info {
    int taps, in_ch, out_ch; /* taps 3: 3x3, 1: 1x1 */
    const char *arithmetic;  /* "float32", "float32 Winograd", "int16 Winograd" */
    double error; /* of fast arithmetic when it was tried on a small picture, as a part of the
                     layer's result; above 0.004 the layer stays float32; 0: not tried */
};
/* Layer `i`, 0..n_convolutions-1. */
FOV_API void fov_model_get_layer(const struct fov_model *model, int i,
                                 struct fov_layer_info *ret_info);

/* What the file says of itself under `key` ("license", "purpose"), or NULL. Lives as long as the
 * model. */
FOV_API const char *fov_model_metadata(const struct fov_model *model, const char *key);

/* ---- pictures -------------------------------------------------------------------------- */

enum fov_sample {
    FOV_U8,  /* 0..255 */
    FOV_U16, /* 0..65535 */
    FOV_F32, /* 0..1, not clamped on the way out, and to -16..16 on the way in, where NaN is 0 */
};

enum fov_layout {
    FOV_INTERLEAVED, /* RGBRGB... */
    FOV_PLANAR,      /* a row is all its R, then all its G, then all its B */
};

/* A picture as its rows are passed: no padding between samples or rows. */
struct fov_shape {
    int width_px, height_px; /* of the input; the result is `scale` times that */
    int n_channels;          /* 3: RGB as it is coded; 1: grey (run as R = G = B, averaged back) */
    enum fov_sample sample;  /* of the input and of the result */
    enum fov_layout layout;
};

/* Write the `n_rows` rows of the input that begin at row `y` to `rows`. Rows are asked for once
 * each, from the top, on the thread that reads the stream. Nonzero: they cannot be had, which ends
 * the stream. */
typedef int fov_read_rows_fn(void *user, int y, int n_rows, void *rows);

/* Told after each piece of the result how many of its rows are done, on the thread that reads the
 * stream. Nonzero cancels. */
typedef int fov_progress_fn(void *user, int rows_done, int rows_total);

struct fov_stream_options {
    struct fov_shape shape;
    fov_read_rows_fn *read;
    fov_progress_fn *progress; /* or NULL */
    void *user;                /* for both */
    size_t max_memory_bytes;   /* 0: 4 GiB */
};

/* Begin a picture. Gives *ret_stream; end it with fov_stream_close(), at any time. Keeps `model`.
 * Working memory grows with the width. A picture so wide that it would take more than
 * max_memory_bytes is run in pieces that overlap: the same bits, in more time. FOV_EUSAGE for a
 * shape that is none, FOV_ELIMIT for sides over 1,048,576 or when even pieces take more,
 * FOV_ENOMEM. */
FOV_API enum fov_code fov_stream_open(struct fov_model *model,
                                      const struct fov_stream_options *options,
                                      struct fov_stream **ret_stream, struct fov_err *err);
FOV_API void fov_stream_close(struct fov_stream *stream);

/* Write the next `n_rows` rows of the result to `rows`. One thread at a time. FOV_EUSAGE past the
 * last row, FOV_ECANCEL, FOV_ENOINPUT when the input's rows could not be read; after a failure the
 * stream gives no more rows. */
FOV_API enum fov_code fov_stream_read(struct fov_stream *stream, int n_rows, void *rows,
                                      struct fov_err *err);

/* From any thread: let a read that runs, and every later one, end with FOV_ECANCEL. */
FOV_API void fov_stream_cancel(struct fov_stream *stream);

/* Bytes of working memory that a stream of this shape takes within 4 GiB, the model's weights not
 * counted; 0 for a shape that would be refused. */
FOV_API size_t fov_stream_memory(const struct fov_model *model, const struct fov_shape *shape);

/* A whole picture in memory: `input` is shape's, `result` has room for scale times its width and
 * height. Errors of fov_stream_open() and fov_stream_read(). */
FOV_API enum fov_code fov_upscale(struct fov_model *model, const struct fov_shape *shape,
                                  const void *input, void *result, struct fov_err *err);

/* "0.1.0" */
FOV_API const char *fov_version(void);

#ifdef __cplusplus
}
#endif

#endif
