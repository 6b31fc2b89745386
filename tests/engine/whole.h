/* SPDX-License-Identifier: Apache-2.0 */
/* whole.h -- run a network layer by layer over a whole picture: what the wavefront must equal. */
#ifndef FOV_TESTS_ENGINE_WHOLE_H
#define FOV_TESTS_ENGINE_WHOLE_H

#include <stdbool.h>

#include "net/kernels/kernels.h"
#include "net/pack.h"

/* Can this CPU run the level called `name` (NULL: any)? Otherwise a test is skipped. */
bool cpu_has(const char *name);

/* One layer's activations, (height, width, n_ch), with the border and slack that kernels need. */
struct layer_rows {
    float *block;
    int width, height;
    size_t n_ch; /* padded */
};

/* Pixel x of row y; x = -1, y = -1 and y = height are the border of zeros. */
static inline float *layer_pixel(const struct layer_rows *l, int x, int y)
{
    const size_t row = ((size_t)l->width + 2 + FOV_ROW_SLACK_PX) * l->n_ch;
    return l->block + (size_t)(y + 1) * row + (size_t)(x + 1) * l->n_ch;
}

/* Run `rgb` (height, width, 3; 0..1) through all layers; layers[0] is the input. */
void whole_run(const struct fov_packed *net, const struct fov_kernels *kernels, const float *rgb,
               int width, int height, struct layer_rows *layers);

/* The result from the last layer, (scale * height, scale * width, 3). */
void whole_result(const struct fov_packed *net, const struct layer_rows *layers, float *result);

void whole_free(const struct fov_packed *net, struct layer_rows *layers);

#endif
