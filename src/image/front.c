/* SPDX-License-Identifier: Apache-2.0 */
/* front.c -- tell what stands in front from whatever is behind it, by a network.
 *
 * What goes in and comes out as the network's authors have it (u2net_test.py of
 * xuebinqin/U-2-Net): 320x320, divided by the largest sample, then by the means and deviations of
 * ImageNet; the result stretched to 0..1.
 *
 * Threads: one, and the network's. Owns: nothing. Trust: pixels only.
 */
#include "image/front.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "image/image.h"

enum { SIDE = FOV_U2NET_SIDE, N = SIDE * SIDE };

/* An 8-bit picture at another size. Gives *ret_rgb. */
static enum fov_code resized(const uint8_t *rgb, int width_px, int height_px, int to_width_px,
                             int to_height_px, uint8_t **ret_rgb, struct fov_err *err)
{
    struct fov_image *from = NULL, *to = NULL;
    enum fov_code rc = fov_image_from_rgb8(rgb, width_px, height_px, "the picture", &from, err);
    if (!rc)
        rc = fov_image_resample(from, FOV_FILTER_BILINEAR, to_width_px, to_height_px, &to, err);
    if (!rc)
        rc = fov_image_to_rgb8(to, ret_rgb, err);
    fov_image_free(to);
    fov_image_free(from);
    return rc;
}

static void normalise(const uint8_t *rgb, float *planes)
{
    static const float mean[3] = {0.485F, 0.456F, 0.406F}, deviation[3] = {0.229F, 0.224F, 0.225F};
    int most = 1;
    for (int i = 0; i < 3 * N; i++)
        most = rgb[i] > most ? rgb[i] : most;
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < N; i++)
            planes[(size_t)c * N + (size_t)i] =
                ((float)rgb[3 * i + c] / (float)most - mean[c]) / deviation[c];
}

/* Stretch to 0..255, three times for each pixel; false when nothing is in front. */
static bool stretch(const float *front, uint8_t *rgb)
{
    float least = 1, most = 0;
    for (int i = 0; i < N; i++) {
        least = fminf(least, front[i]);
        most = fmaxf(most, front[i]);
    }
    if (!(most >= 0.5F) || most - least < 0.1F)
        return false;
    for (int i = 0; i < N; i++)
        memset(rgb + 3 * (size_t)i, (int)lrintf(255 * (front[i] - least) / (most - least)), 3);
    return true;
}

enum fov_code fov_front(struct fov_u2net *net, const uint8_t *rgb, int width_px, int height_px,
                        uint8_t *alpha, struct fov_err *err)
{
    FOV_AUTO(fov_free_at) uint8_t *small = NULL;
    FOV_AUTO(fov_free_at) uint8_t *large = NULL;
    FOV_AUTO(fov_free_at) float *planes = fov_calloc((size_t)3 * N, sizeof(*planes));
    FOV_AUTO(fov_free_at) float *front = fov_calloc(N, sizeof(*front));
    enum fov_code rc;

    if (!planes || !front)
        return fov_fail(err, FOV_ENOMEM, "no memory for a network's picture");
    if ((rc = resized(rgb, width_px, height_px, SIDE, SIDE, &small, err)))
        return rc;
    normalise(small, planes);
    if ((rc = fov_u2net_run(net, planes, SIDE, front, err)))
        return rc;
    if (!stretch(front, small))
        return fov_fail(err, FOV_EFORMAT, "the network finds nothing that stands in front");
    if ((rc = resized(small, SIDE, SIDE, width_px, height_px, &large, err)))
        return rc;
    for (size_t i = 0, n = (size_t)width_px * (size_t)height_px; i < n; i++)
        alpha[i] = large[3 * i];
    return FOV_OK;
}
