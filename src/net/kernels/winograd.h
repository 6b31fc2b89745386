/* SPDX-License-Identifier: Apache-2.0 */
/* winograd.h -- F(4x6, 3x3): 24 pixels of a 3x3 convolution from 48 products instead of 216.
 *
 *     Y = A^T [ (G w G'^T) * (B^T d B') ] A'     d: 6 rows of 8 input pixels, Y: 4 rows of 6
 *
 * Lavin and Gray, Fast Algorithms for Convolutional Neural Networks (arXiv:1509.09308). Down a
 * column the points are 0, +-a, +-b, infinity, where a = sqrt(1/2) and b = sqrt(2). Points that are
 * each other's reciprocals keep the numbers small, which is what int16 needs, and since
 * a^2 b^2 = 1 and a^2 + b^2 = 5/2 the transform of the input takes 12 operations for 6 values.
 *
 *           1    0  -5/2   0    1   0         1     0     0
 *           0  -2a    -2   a    1   0      -2/3 -2a/3  -1/3          1   1    1   1/2  1/2   0
 *     B^T = 0   2a    -2  -a    1   0  G = -2/3  2a/3  -1/3   A^T =  0   a   -a    a   -a    0
 *           0   -1    -a   2    b   0       a/3   1/3   b/3          0 1/2  1/2    1    1    0
 *           0    1    -a  -2    b   0       a/3  -1/3   b/3          0 a/2 -a/2    b   -b    1
 *           0    1     0 -5/2   0   1         0     0     1
 *
 * Along a row they are 0, +-1, +-2, +-1/2, infinity.
 *
 *            1   0 -21/4     0  21/4     0  -1   0            1     0     0
 *            0   1     1 -17/4 -17/4     1   1   0         -2/9  -2/9  -2/9
 *            0  -1     1  17/4 -17/4    -1   1   0         -2/9   2/9  -2/9
 *     B'^T = 0   1   1/2    -5  -5/2     4   2   0    G' = 2/45  4/45  8/45
 *            0  -1   1/2     5  -5/2    -4   2   0         2/45 -4/45  8/45
 *            0   2     4  -5/2    -5   1/2   1   0        16/45  8/45  4/45
 *            0  -2     4   5/2    -5  -1/2   1   0        16/45 -8/45  4/45
 *            0  -1     0  21/4     0 -21/4   0   1            0     0     1
 *
 * In row i of A'^T stand the i-th powers of the points, those of +-2 divided by 8, which G' is
 * multiplied by, and of +-1/2 by 1/2. Where features of photographs are small, at +-b of a column
 * and +-2 of a row, the rows of B are larger by b and 2 than they need be, and those of G smaller:
 * so the values of a tile are about as large at all positions, and rounding them to whole numbers
 * of one scale costs few of them their bits (docs/SPEED.md has what other points and factors cost).
 *
 * int16: the 48 values of all channels of a tile are multiplied by FOV_WINO_MAX_VALUE / (the
 * largest of them) and rounded. At every position, the weights of an output channel for
 * FOV_WINO_SUM_CHANNELS input channels have a scale of their own, so small that the sum of their
 * products cannot leave int32 whatever the tile holds. Divided by that scale, these sums are added
 * up as floats.
 */
#ifndef FOV_NET_KERNELS_WINOGRAD_H
#define FOV_NET_KERNELS_WINOGRAD_H

/* The input of a tile; its output has FOV_TILE_ROWS and FOV_TILE_PX. */
#define FOV_WINO_ROWS   6
#define FOV_WINO_PX     8
#define FOV_WINO_VALUES 48

#define FOV_WINO_A 0.70710678118654752440f
#define FOV_WINO_B 1.41421356237309504880f

#define FOV_WINO_G_DOWN                                                                            \
    {                                                                                              \
        {1, 0, 0}, {-2 / 3.0, -2 / 3.0 * M_SQRT1_2, -1 / 3.0},                                     \
            {-2 / 3.0, 2 / 3.0 * M_SQRT1_2, -1 / 3.0}, {M_SQRT1_2 / 3, 1 / 3.0, M_SQRT2 / 3},      \
            {M_SQRT1_2 / 3, -1 / 3.0, M_SQRT2 / 3}, {0, 0, 1},                                     \
    }
#define FOV_WINO_G_ACROSS                                                                          \
    {                                                                                              \
        {1, 0, 0}, {-2 / 9.0, -2 / 9.0, -2 / 9.0}, {-2 / 9.0, 2 / 9.0, -2 / 9.0},                  \
            {2 / 45.0, 4 / 45.0, 8 / 45.0}, {2 / 45.0, -4 / 45.0, 8 / 45.0},                       \
            {16 / 45.0, 8 / 45.0, 4 / 45.0}, {16 / 45.0, -8 / 45.0, 4 / 45.0}, {0, 0, 1},          \
    }

/* Largest whole value of a tile: what is given to values is taken from weights, and on features of
 * photographs their errors are about as large like this. The inverse is clamped so that a tile of
 * zeros stays one. */
#define FOV_WINO_MAX_VALUE 23169.0f
#define FOV_WINO_MIN_PEAK  1e-20f

/* Input channels whose products are summed as whole numbers: what AMX takes at once. More of them
 * leave fewer bits to a weight. */
#define FOV_WINO_SUM_CHANNELS 64

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
 * of 16 bits as an upper byte, signed, and a lower one, in FOV_WINO_SUM_CHANNELS. */
#define FOV_WINO_BYTE_TILES 32

#endif
