/* SPDX-License-Identifier: Apache-2.0 */
/* look.c -- run through a picture once before it is enlarged, to see whether it is damaged.
 *
 * Rows are read in order, each once, which is all that some decoders can do. All are decoded, some
 * hundredth of what the network takes, and no more than FOV_DAMAGE_MAX_PIECES pieces looked at.
 *
 * Threads: one. Owns: nothing. Trust: pixels; what cannot be read is not clean.
 */
#include <string.h>

#include "base/mem.h"
#include "image/damage.h"
#include "image/vimage.h"

enum { STEP = FOV_DAMAGE_STEP, SIDE = FOV_DAMAGE_SIDE };

static void to_luma(const VipsImage *image, const void *row, float *ret_luma)
{
    static const float weights[3] = {0.299F, 0.587F, 0.114F}, grey[1] = {1};
    const size_t n_ch = (size_t)image->Bands, n_colours = n_ch < 3 ? 1 : 3;
    const float *const w = n_colours == 1 ? grey : weights;
    const bool wide = image->BandFmt == VIPS_FORMAT_USHORT;
    for (size_t x = 0; x < (size_t)image->Xsize; x++) {
        float sum = 0;
        for (size_t c = 0; c < n_colours; c++)
            sum += w[c] * (wide ? (float)((const uint16_t *)row)[x * n_ch + c] / 257
                                : (float)((const uint8_t *)row)[x * n_ch + c]);
        ret_luma[x] = sum;
    }
}

/* How far from each other pieces lie, so that there are not too many. */
static int distance(const VipsImage *image)
{
    int step = STEP;
    while ((int64_t)(image->Xsize / step + 1) * (image->Ysize / step + 1) > FOV_DAMAGE_MAX_PIECES)
        step += STEP;
    return step;
}

static int look(VipsRegion *region, float *luma, struct fov_damage *damage)
{
    VipsImage *const image = region->im;
    const int width = image->Xsize, height = image->Ysize, step = distance(image);
    float *const below = luma + (size_t)STEP * (size_t)width;

    for (int y = 0; y < height && !fov__is_stopped(); y += STEP) {
        const int n = height - y < STEP ? height - y : STEP, above = y - STEP;
        memcpy(luma, below, (size_t)STEP * (size_t)width * sizeof(*luma));
        if (vips_region_prepare(region, &(VipsRect){0, y, width, n}))
            return -1;
        for (int i = 0; i < n; i++)
            to_luma(image, VIPS_REGION_ADDR(region, 0, y + i), below + (size_t)i * (size_t)width);
        if (above < 0 || above % step || above + SIDE > height)
            continue;
        for (int x = 0; x + SIDE <= width; x += step)
            fov_damage_add(damage, luma + x, width);
    }
    return 0;
}

bool fov__is_clean(VipsImage *image)
{
    FOV_AUTO(fov_free_at) struct fov_damage *damage = fov_calloc(1, sizeof(*damage));
    FOV_AUTO(fov_free_at) float *luma = fov_calloc((size_t)image->Xsize * STEP, 2 * sizeof(*luma));
    VipsRegion *const region = vips_region_new(image);
    bool is_clean = false;

    if (damage && luma && region) {
        fov_damage_init(damage);
        fov__run_begins();
        is_clean = !fov__run_ends(look(region, luma, damage)) && fov_damage_is_clean(damage);
        vips_error_clear();
    }
    if (region)
        g_object_unref(region);
    return is_clean;
}
