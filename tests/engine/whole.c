/* SPDX-License-Identifier: Apache-2.0 */
/* whole.c -- run a network layer by layer over a whole picture.
 *
 * The plain way that the wavefront replaces: every layer complete before the next, the result put
 * together by the definition of the pixel shuffle. Shares nothing with plan.c and wave.c.
 */
#include "tests/engine/whole.h"

#include "base/cpu.h"
#include "base/mem.h"

bool cpu_has(const char *name)
{
    unsigned mask;
    return !name || (fov_cpu_parse(name, &mask) && (fov_cpu_detect() & mask) == mask);
}

static struct layer_rows layer_new(int width, int height, size_t n_ch)
{
    const size_t row = ((size_t)width + 2 + FOV_ROW_SLACK_PX) * n_ch;
    return (struct layer_rows){
        .block = fov_calloc_aligned(64, ((size_t)height + 2) * row, sizeof(float)),
        .width = width,
        .height = height,
        .n_ch = n_ch,
    };
}

void whole_run(const struct fov_packed *net, const struct fov_kernels *kernels, const float *rgb,
               int width, int height, struct layer_rows *layers)
{
    for (int i = 0; i < net->n_layers; i++)
        layers[i] = layer_new(width, height, net->layers[i].out_ch);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < 3; c++)
                layer_pixel(&layers[0], x, y)[c] = rgb[(y * width + x) * 3 + c] - net->mean;

    for (int i = 1; i < net->n_layers; i++) {
        const struct fov_packed_layer *const l = &net->layers[i];
        const struct layer_rows *const in = &layers[l->in];
        for (int y = 0; y < height; y++) {
            const struct fov_conv_row row = {
                .dst = layer_pixel(&layers[i], 0, y),
                .src = {layer_pixel(in, -1, y - 1), layer_pixel(in, -1, y),
                        layer_pixel(in, -1, y + 1)},
                .add = l->add < 0 ? NULL : layer_pixel(&layers[l->add], 0, y),
                .weights = l->weights,
                .bias = l->bias,
                .slope = l->slope,
                .n_px = (size_t)width,
                .in_ch = l->in_ch,
                .out_ch = l->out_ch,
            };
            kernels->conv3x3_f32(&row);
        }
    }
}

void whole_result(const struct fov_packed *net, const struct layer_rows *layers, float *result)
{
    const struct layer_rows *const last = &layers[net->n_layers - 1];
    const int s = net->scale, width = last->width * s, height = last->height * s;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < 3; c++)
                result[(y * width + x) * 3 + c] =
                    layer_pixel(last, x / s, y / s)[c * s * s + y % s * s + x % s] +
                    (layer_pixel(&layers[0], x / s, y / s)[c] + net->mean);
}

void whole_free(const struct fov_packed *net, struct layer_rows *layers)
{
    for (int i = 0; i < net->n_layers; i++)
        fov_free(layers[i].block);
}
