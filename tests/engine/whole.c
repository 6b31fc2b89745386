/* SPDX-License-Identifier: Apache-2.0 */
/* whole.c -- what the tests of the engine share. */
#include "tests/engine/whole.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/cpu.h"
#include "base/half.h"

bool cpu_has(const char *name)
{
    unsigned mask;
    return !name || (fov_cpu_parse(name, &mask) && (fov_cpu_detect() & mask) == mask);
}

void test_kernels(struct fov_kernels *ret_kernels)
{
    unsigned mask = FOV_CPU_ALL;
    if (getenv("FOV_CPU") && !fov_cpu_parse(getenv("FOV_CPU"), &mask))
        abort();
    fov_kernels_init(ret_kernels, fov_cpu_detect() & mask);
}

static float value(const struct fov_whole *w, int layer, int x, int y, int c)
{
    const void *const row = fov_whole_row(w, layer, y);
    const size_t i = (size_t)x * w->net->layers[layer].n_ch + (size_t)c;
    return layer == 0 || w->element == FOV_ELEMENT_F32 ? ((const float *)row)[i]
                                                       : fov_from_half(((const uint16_t *)row)[i]);
}

void whole_result(const struct fov_whole *whole, float *result)
{
    const struct fov_packed *const net = whole->net;
    const int last = net->n_layers - 1, s = net->result_side;
    const int width = fov_whole_width(whole, last) * s, height = fov_whole_height(whole, last) * s;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < 3; c++) {
                float v = value(whole, last, x / s, y / s, (y % s * s + x % s) * 3 + c);
                if (net->base)
                    v += value(whole, 0, x / net->scale, y / net->scale, c) + net->mean[c];
                result[(y * width + x) * 3 + c] = v;
            }
}
