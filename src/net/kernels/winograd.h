/* SPDX-License-Identifier: Apache-2.0 */
/* winograd.h -- F(4x6, 3x3): 24 pixels of a 3x3 convolution from 48 products instead of 216.
 *
 *     Y = A^T [ (G w G'^T) * (B^T d B') ] A'     d: 6 rows of 8 input pixels, Y: 4 rows of 6
 *
 * Lavin and Gray, Fast Algorithms for Convolutional Neural Networks (arXiv:1509.09308). Down a
 * column the points are 0, +-a, +-b, infinity, where a = sqrt(1/2) and b = sqrt(2). Points that are
 * each other's reciprocals keep the numbers small, which is what int16 needs, and since
 * a^2 b^2 = 1 and a^2 + b^2 = 5/2 the transform of the input takes 12 operations for 6 values. The
 * rows of G that belong to +-b are doubled and the matching columns of A^T halved, which saves
 * multiplications.
 *
 *           1    0  -5/2   0    1   0         1     0     0
 *           0  -2a    -2   a    1   0      -2/3 -2a/3  -1/3          1   1    1   1/2  1/2   0
 *     B^T = 0   2a    -2  -a    1   0  G = -2/3  2a/3  -1/3   A^T =  0   a   -a    a   -a    0
 *           0 -b/2  -1/2   b    1   0       1/3   b/3   2/3          0 1/2  1/2    1    1    0
 *           0  b/2  -1/2  -b    1   0       1/3  -b/3   2/3          0 a/2 -a/2    b   -b    1
 *           0    1     0 -5/2   0   1         0     0     1
 *
 * Along a row they are 0, +-1, +-p, +-q, infinity, where p = 5/3 and q = 3/5; c is
 * p^2 + q^2 + 1 = 931/225.
 *
 *            1    0   -c      0       c      0  -1  0            1      0      0
 *            0    1    1    1-c     1-c      1   1  0           -u     -u     -u
 *            0   -1    1    c-1     1-c     -1   1  0           -u      u     -u
 *     B'^T = 0    q  q^2 -34/15 -1-q^2       p   1  0      G' = 27 v   45 v   75 v
 *            0   -q  q^2  34/15 -1-q^2      -p   1  0           27 v  -45 v   75 v
 *            0    p  p^2 -34/15 -1-p^2       q   1  0           75 v   45 v   27 v
 *            0   -p  p^2  34/15 -1-p^2      -q   1  0           75 v  -45 v   27 v
 *            0   -1    0      c       0     -c   0  1            0      0      1
 *
 * with u = 225/512 and v = 125/17408. In row i of A'^T stand the i-th powers of the points, those
 * of +-p divided by p^3, which G' is multiplied by, and of +-q by q: so weights are about as large
 * at all positions, and rounding them to whole numbers of one scale costs few of them their bits
 * (docs/SPEED.md has what other points and no factors cost).
 *
 * int16: the 48 values of all channels of a tile are multiplied by 16383 / (the largest of them)
 * and rounded. A weight is multiplied by a scale of its output channel, so small that a sum over
 * all input channels cannot leave int32 whatever the tile holds. The product of the two scales
 * turns the sum back into a float.
 */
#ifndef FOV_NET_KERNELS_WINOGRAD_H
#define FOV_NET_KERNELS_WINOGRAD_H

/* The input of a tile; its output has FOV_TILE_ROWS and FOV_TILE_PX. */
#define FOV_WINO_ROWS   6
#define FOV_WINO_PX     8
#define FOV_WINO_VALUES 48

#define FOV_WINO_A 0.70710678118654752440f
#define FOV_WINO_B 1.41421356237309504880f
#define FOV_WINO_P 1.66666666666666666667f
#define FOV_WINO_Q 0.6f
#define FOV_WINO_C (931 / 225.0f)

#define FOV_WINO_G_DOWN                                                                            \
    {                                                                                              \
        {1, 0, 0}, {-2 / 3.0, -2 / 3.0 * M_SQRT1_2, -1 / 3.0},                                     \
            {-2 / 3.0, 2 / 3.0 * M_SQRT1_2, -1 / 3.0}, {1 / 3.0, M_SQRT2 / 3, 2 / 3.0},            \
            {1 / 3.0, -M_SQRT2 / 3, 2 / 3.0}, {0, 0, 1},                                           \
    }
#define FOV_WINO_U (225 / 512.0)
#define FOV_WINO_V (125 / 17408.0)
#define FOV_WINO_G_ACROSS                                                                          \
    {                                                                                              \
        {1, 0, 0}, {-FOV_WINO_U, -FOV_WINO_U, -FOV_WINO_U},                                        \
            {-FOV_WINO_U, FOV_WINO_U, -FOV_WINO_U},                                                \
            {27 * FOV_WINO_V, 45 * FOV_WINO_V, 75 * FOV_WINO_V},                                   \
            {27 * FOV_WINO_V, -45 * FOV_WINO_V, 75 * FOV_WINO_V},                                  \
            {75 * FOV_WINO_V, 45 * FOV_WINO_V, 27 * FOV_WINO_V},                                   \
            {75 * FOV_WINO_V, -45 * FOV_WINO_V, 27 * FOV_WINO_V}, {0, 0, 1},                       \
    }

/* Largest whole value of a tile. The inverse is clamped so that a tile of zeros stays one. */
#define FOV_WINO_MAX_VALUE 16383.0f
#define FOV_WINO_MIN_PEAK  1e-20f

/* Tiles that are computed together, so that weights are read once for all of them and what is
 * written between the steps stays in the L2 cache beside the weights of a layer. */
#define FOV_WINO_TILES 12

/* Values that hold nothing between those of two positions: at 3072 or 2048 bytes from each other,
 * what a tile has at all positions would fall into a few sets of the L1 cache. */
#define FOV_WINO_GAP 64

/* Products that hold nothing between those of two tiles, for the same reason: a position of all
 * tiles is written at once. */
#define FOV_WINO_PRODUCT_GAP 80

/* The same for AMX, which multiplies bytes, 16 tiles by 16 output channels at a time: whole numbers
 * of 16 bits as an upper byte, signed, and a lower one, in 64 input channels. */
#define FOV_WINO_BYTE_TILES    32
#define FOV_WINO_BYTE_CHANNELS 64

#endif
