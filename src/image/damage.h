/* SPDX-License-Identifier: Apache-2.0 */
/* damage.h -- was a picture compressed, or is it noisy? By its pixels alone.
 *
 * Pieces of it are looked at one by one; what they say together is asked at the end.
 */
#ifndef FOV_IMAGE_DAMAGE_H
#define FOV_IMAGE_DAMAGE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    FOV_DAMAGE_SIDE = 15,        /* of a piece, in pixels: an 8x8 block at each of 8x8 places */
    FOV_DAMAGE_STEP = 8,         /* pieces lie at multiples of it */
    FOV_DAMAGE_MAX_PIECES = 512, /* more say nothing new */
};

struct fov_damage {
    float basis8[8][8], basis4[4][4]; /* cosines */
    int n_pieces, n_noisy;
    float finest[FOV_DAMAGE_MAX_PIECES]; /* deviation of a piece's finest coefficients */
    /* AC coefficients of blocks whose corner lies at (y, x) modulo the side of a block; those that
     * rounding would hide. Of flat blocks none. */
    uint32_t n_all8[64], n_zeros8[64], n_all4[16], n_zeros4[16];
};

void fov_damage_init(struct fov_damage *damage);

/* Look at a piece, luma 0..255, `stride` floats from row to row. Full: it is left out. */
void fov_damage_add(struct fov_damage *damage, const float *luma, long stride);

/* Nothing was found, and there was enough to look at. */
bool fov_damage_is_clean(const struct fov_damage *damage);

#endif
