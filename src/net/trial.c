/* SPDX-License-Identifier: Apache-2.0 */
/* trial.c -- try each layer of a network in int16 against float32 before it is used.
 *
 * The picture is made: slow waves, edges and noise, in all colours, a little of everything that
 * photographs have. 12x12 pixels are six whole tiles and cost some milliseconds.
 *
 * Threads: one. Owns: both pictures. Trust: weights may be anything finite.
 */
#include "net/trial.h"

#include <math.h>

#include "base/half.h"
#include "base/mem.h"

enum { SIDE = 12 };

void fov_trial_done(struct fov_trial *trial)
{
    fov_whole_done(&trial->exact);
    fov_whole_done(&trial->fast);
}

static void draw(float *rgb, int side)
{
    uint32_t noise = 1;
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++)
            for (int c = 0; c < 3; c++) {
                const float wave = sinf(0.21f * (float)x + (float)c) * cosf(0.17f * (float)y);
                const float edge = (x + 2 * y + 5 * c) % 23 < 9 ? 0.2f : -0.1f;
                noise = noise * 1664525u + 1013904223u;
                rgb[(y * side + x) * 3 + c] =
                    0.45f + 0.25f * wave + edge + 0.05f * ((float)(noise >> 8) * 0x1p-24f - 0.5f);
            }
}

enum fov_code fov_trial_init(const struct fov_packed *net, struct fov_trial *ret_trial,
                             struct fov_err *err)
{
    const int side = SIDE / net->unshuffle;
    float rgb[SIDE * SIDE * 3];
    struct fov_trial t = {0};
    enum fov_code rc;

    if ((rc = fov_whole_init(net, FOV_ELEMENT_F32, side, side, &t.exact, err)))
        return rc;
    if ((rc = fov_whole_init(net, FOV_ELEMENT_F16, side, side, &t.fast, err))) {
        fov_trial_done(&t);
        return rc;
    }
    draw(rgb, side * net->unshuffle);
    fov_whole_input(&t.exact, rgb);
    fov_whole_input(&t.fast, rgb);
    *ret_trial = t;
    return FOV_OK;
}

/* Compare a row of both results, and hand the exact one over as input for fast layers. */
static void compare_row(const float *want, uint16_t *got, size_t n, double *difference,
                        double *size)
{
    for (size_t k = 0; k < n; k++) {
        const double d = (double)fov_from_half(got[k]) - (double)want[k];
        *difference += d * d;
        *size += (double)want[k] * (double)want[k];
        got[k] = fov_to_half(want[k]);
    }
}

double fov_trial_layer(struct fov_trial *trial, const struct fov_kernels *kernels, int i,
                       const struct fov_packed_layer *exact, const struct fov_packed_layer *fast)
{
    double difference = 0, size = 0;

    fov_whole_run(&trial->exact, kernels, i, exact);
    fov_whole_run(&trial->fast, kernels, i, fast);
    const int height = fov_whole_height(&trial->exact, i);
    const size_t n = (size_t)fov_whole_width(&trial->exact, i) * trial->exact.net->layers[i].n_ch;
    for (int y = 0; y < height; y++)
        compare_row(fov_whole_row(&trial->exact, i, y), fov_whole_row(&trial->fast, i, y), n,
                    &difference, &size);
    return isfinite(difference) ? sqrt(difference / fmax(size, 1e-30)) : HUGE_VAL;
}
