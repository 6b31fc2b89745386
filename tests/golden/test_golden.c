/* SPDX-License-Identifier: Apache-2.0 */
/* test_golden.c -- a real picture through a network that ships: the bits of the C kernels, and how
 * near to them the kernels of this CPU stay.
 *
 * usage: test_golden VECTORS_FOLDER MODEL.safetensors HASH
 *
 * HASH is the FNV-1a of the 8-bit result of the C kernels, which are the definition: the same on
 * every compiler, at every optimisation and under every sanitizer. That the result is right at all
 * is shown by test_vectors.c, against PyTorch; this test shows that it does not move. FOV_CPU
 * chooses the kernels under test.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fovea/fovea.h"
#include "net/safetensors.h"

/* Differences come from the order of roundings alone: far below a 16-bit step (96 dB). */
static const double floor_db = 110;

static uint64_t fnv1a(const unsigned char *p, size_t n)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

/* Run the picture at a CPU level into float rows. */
static int run(const char *cpu, const char *path, const struct fov_shape *shape, const void *in,
               void *out, struct fov_err *err)
{
    const struct fov_engine_options options = {.cpu = cpu};
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

static int check(const struct fov_tensor *in, const char *path, uint64_t want)
{
    const struct fov_shape shape = {
        .width_px = (int)in->dims[1], .height_px = (int)in->dims[0], .n_channels = 3};
    struct fov_shape fine = shape;
    const size_t n = in->n_elements * 4; /* a network for 2 times */
    unsigned char *const bytes = fov_calloc(n, 1);
    float *const rgb = fov_calloc(in->n_elements, sizeof(float));
    float *const a = fov_calloc(n, sizeof(float)), *const b = fov_calloc(n, sizeof(float));
    struct fov_err err = {0};
    int failed = 1;

    fine.sample = FOV_F32;
    if (bytes && rgb && a && b) {
        for (size_t i = 0; i < in->n_elements; i++)
            rgb[i] = (float)in->data[i] / 255;
        failed = run("c", path, &shape, in->data, bytes, &err) ||
                 run("c", path, &fine, rgb, a, &err) ||
                 run(getenv("FOV_CPU"), path, &fine, rgb, b, &err);
    }
    if (failed) {
        fprintf(stderr, "golden: %s\n", err.text);
    } else {
        const uint64_t got = fnv1a(bytes, n);
        const double db = psnr(a, b, n);
        printf("golden: C %016" PRIx64 ", %s %.1f dB from it\n", got,
               getenv("FOV_CPU") ? getenv("FOV_CPU") : "best", db);
        failed = got != want || db < floor_db;
    }
    fov_free(bytes);
    fov_free(rgb);
    fov_free(a);
    fov_free(b);
    return failed;
}

int main(int argc, char **argv)
{
    char path[1024];
    struct fov_safetensors *file;
    if (argc != 4)
        return 2;
    (void)snprintf(path, sizeof(path), "%s/whole.vectors.safetensors", argv[1]);
    if (fov_safetensors_open(path, &file, NULL))
        return 2;
    const struct fov_tensor *const in = fov_safetensors_find(file, "input.123x77");
    const int failed = !in || check(in, argv[2], strtoull(argv[3], NULL, 16));
    fov_safetensors_close(file);
    return failed;
}
