/* SPDX-License-Identifier: Apache-2.0 */
/* test_golden.c -- a real picture through a network that ships: the bits of the C kernels, and how
 * near to them the kernels of this CPU stay.
 *
 * usage: test_golden VECTORS_FOLDER MODEL.safetensors HASH_EXACT HASH_FAST
 *
 * The hashes are the FNV-1a of the 8-bit result of the C kernels, which are the definition: the
 * same on every compiler, at every optimisation and under every sanitizer. That the result is right
 * at all is shown by test_vectors.c, against PyTorch; this test shows that it does not move.
 * FOV_CPU chooses the kernels under test.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "fovea/fovea.h"
#include "net/weights.h"

/* Against C, differences come from the order of roundings alone: in float32 far below a 16-bit step
 * (96 dB); in fast arithmetic a rounding that falls the other way moves a value by one of 23169
 * steps, and a few layers later all roundings have fallen otherwise. Fast against exact: what is
 * promised of every network. */
static const double exact_db = 110, fast_db = 75, fast_to_exact_db = 55;

static uint64_t fnv1a(const unsigned char *p, size_t n)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

/* Run the picture at a CPU level into rows of the shape's samples. */
static int run(const char *cpu, int exact, const char *path, const struct fov_shape *shape,
               const void *in, void *out, struct fov_err *err)
{
    const struct fov_engine_options options = {.cpu = cpu, .exact = exact};
    struct fov_engine *engine = NULL;
    struct fov_model *model = NULL;
    enum fov_code rc = fov_engine_open(&options, &engine, err);
    if (!rc)
        rc = fov_model_open(engine, path, &model, err);
    if (!rc)
        rc = fov_upscale(model, shape, in, out, err);
    fov_model_close(model);
    fov_engine_close(engine);
    return (int)rc;
}

static double psnr(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
    return 10 * log10((double)n / fmax(sum, 1e-20));
}

struct buffers {
    float *rgb, *c, *this_cpu; /* the input; results in float */
    unsigned char *bytes;      /* a result in 8 bits */
    size_t n;                  /* samples of a result */
};

/* One arithmetic: the result of C and of this CPU, in 8 bits and in float; 0 when they are right.
 */
static int check_mode(const struct fov_tensor *in, const char *path, int exact,
                      const uint64_t want[2], struct buffers *b)
{
    const struct fov_shape shape = {
        .width_px = (int)in->dims[1], .height_px = (int)in->dims[0], .n_channels = 3};
    struct fov_shape fine = shape;
    struct fov_err err = {0};
    const char *const cpu = getenv("FOV_CPU") ? getenv("FOV_CPU") : fov_cpu_name(fov_cpu_detect());
    uint64_t got[2];

    fine.sample = FOV_F32;
    for (int i = 0; i < 2; i++) {
        if (run(i ? cpu : "c", exact, path, &shape, in->data, b->bytes, &err) ||
            run(i ? cpu : "c", exact, path, &fine, b->rgb, i ? b->this_cpu : b->c, &err)) {
            fprintf(stderr, "golden: %s\n", err.text);
            return 1;
        }
        got[i] = fnv1a(b->bytes, b->n);
    }
    const double db = psnr(b->c, b->this_cpu, b->n);
    printf("golden, %s: C %016" PRIx64 ", %s %016" PRIx64 ", %.1f dB from it\n",
           exact ? "exact" : "fast", got[0], cpu, got[1], db);
    return got[0] != want[0] || got[1] != want[strcmp(cpu, "c") != 0] ||
           db < (exact ? exact_db : fast_db);
}

static int check(const struct fov_tensor *in, const char *path, const uint64_t want[4])
{
    struct buffers b = {.n = in->n_elements * 4}; /* a network for 2 times */
    float *const exact = fov_calloc(b.n, sizeof(float));
    int failed = 1;

    b.bytes = fov_calloc(b.n, 1);
    b.rgb = fov_calloc(in->n_elements, sizeof(float));
    b.c = fov_calloc(b.n, sizeof(float));
    b.this_cpu = fov_calloc(b.n, sizeof(float));
    if (exact && b.bytes && b.rgb && b.c && b.this_cpu) {
        for (size_t i = 0; i < in->n_elements; i++)
            b.rgb[i] = (float)in->data[i] / 255;
        failed = check_mode(in, path, 1, want, &b);
        memcpy(exact, b.this_cpu, b.n * sizeof(float));
        failed |= check_mode(in, path, 0, want + 2, &b);
        const double db = psnr(exact, b.this_cpu, b.n);
        printf("golden: fast %.1f dB from exact\n", db);
        failed |= db < fast_to_exact_db;
    }
    fov_free(exact);
    fov_free(b.bytes);
    fov_free(b.rgb);
    fov_free(b.c);
    fov_free(b.this_cpu);
    return failed;
}

int main(int argc, char **argv)
{
    char path[1024];
    struct fov_weights *file;
    uint64_t want[4];
    if (argc != 7)
        return 2;
    for (int i = 0; i < 4; i++)
        want[i] = strtoull(argv[3 + i], NULL, 16);
    (void)snprintf(path, sizeof(path), "%s/whole.vectors.safetensors", argv[1]);
    if (fov_weights_open(path, &file, NULL))
        return 2;
    const struct fov_tensor *const in = fov_weights_find(file, "input.123x77");
    const int failed = !in || check(in, argv[2], want);
    fov_weights_close(file);
    return failed;
}
