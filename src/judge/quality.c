/* SPDX-License-Identifier: Apache-2.0 */
/* quality.c -- PSNR and SSIM on luma, in double: these figures are quoted to 0.01 dB.
 *
 * Threads: any. Owns: nothing. Trust: sizes come from pictures and are checked against the window.
 */
#include "judge/quality.h"

#include <math.h>

#include "base/mem.h"

enum { TAPS = 11 };

static double luma(const uint8_t *rgb)
{
    return (65.481 * rgb[0] + 128.553 * rgb[1] + 24.966 * rgb[2]) / 255 + 16;
}

enum fov_code fov_psnr_luma(const uint8_t *a, const uint8_t *b, int width, int height, int border,
                            double *ret_db, struct fov_err *err)
{
    const int w = width - 2 * border, h = height - 2 * border;
    double sum = 0;

    if (w < 1 || h < 1)
        return fov_fail(err, FOV_EUSAGE, "%dx%d leaves nothing to compare inside a border of %d",
                        width, height, border);
    for (int y = border; y < height - border; y++)
        for (int x = border; x < width - border; x++) {
            const size_t at = ((size_t)y * (size_t)width + (size_t)x) * 3;
            const double d = luma(a + at) - luma(b + at);
            sum += d * d;
        }
    const double mse = sum / ((double)w * h);
    *ret_db = 10 * log10(255 * 255 / fmax(mse, 1e-12));
    return FOV_OK;
}

/* The five moments that SSIM is made of, for one row of columns. */
struct moments {
    double a, b, aa, bb, ab;
};

static void add(struct moments *to, const struct moments *m, double weight)
{
    to->a += weight * m->a;
    to->b += weight * m->b;
    to->aa += weight * m->aa;
    to->bb += weight * m->bb;
    to->ab += weight * m->ab;
}

static double similarity(const struct moments *m)
{
    const double c1 = 0.01 * 255 * 0.01 * 255, c2 = 0.03 * 255 * 0.03 * 255;
    const double va = m->aa - m->a * m->a, vb = m->bb - m->b * m->b, cov = m->ab - m->a * m->b;
    return (2 * m->a * m->b + c1) * (2 * cov + c2) /
           ((m->a * m->a + m->b * m->b + c1) * (va + vb + c2));
}

static void gaussian(double window[TAPS])
{
    double sum = 0;
    for (int i = 0; i < TAPS; i++)
        sum += window[i] = exp(-(i - 5) * (i - 5) / (2 * 1.5 * 1.5));
    for (int i = 0; i < TAPS; i++)
        window[i] /= sum;
}

enum fov_code fov_ssim_luma(const uint8_t *a, const uint8_t *b, int width, int height, int border,
                            double *ret_ssim, struct fov_err *err)
{
    const int w = width - 2 * border, h = height - 2 * border;
    double window[TAPS], sum = 0;

    if (w < TAPS || h < TAPS)
        return fov_fail(err, FOV_EUSAGE, "%dx%d is too small for SSIM inside a border of %d", width,
                        height, border);
    FOV_AUTO(fov_free_at) struct moments *columns = fov_calloc((size_t)w, sizeof(*columns));
    if (!columns)
        return fov_fail(err, FOV_ENOMEM, "no memory to compare pictures");
    gaussian(window);

    for (int y = 0; y + TAPS <= h; y++) {
        for (int x = 0; x < w; x++) { /* down each column, then along the row */
            columns[x] = (struct moments){0};
            for (int t = 0; t < TAPS; t++) {
                const size_t at =
                    ((size_t)(y + t + border) * (size_t)width + (size_t)(x + border)) * 3;
                const double p = luma(a + at), q = luma(b + at);
                add(&columns[x], &(struct moments){p, q, p * p, q * q, p * q}, window[t]);
            }
        }
        for (int x = 0; x + TAPS <= w; x++) {
            struct moments m = {0};
            for (int t = 0; t < TAPS; t++)
                add(&m, &columns[x + t], window[t]);
            sum += similarity(&m);
        }
    }
    *ret_ssim = sum / ((double)(w - TAPS + 1) * (h - TAPS + 1));
    return FOV_OK;
}
