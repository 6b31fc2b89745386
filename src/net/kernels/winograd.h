/* SPDX-License-Identifier: Apache-2.0 */
/* winograd.h -- F(4x4, 3x3): 16 pixels of a 3x3 convolution from 36 products instead of 144; and
 * F(4x6, 3x3) in float32: 24 pixels from 48 products instead of 216.
 *
 *     Y = A^T [ (G w G^T) * (B^T d B) ] A        d: 6x6 input pixels, Y: 4x4 output pixels
 *
 * Lavin and Gray, Fast Algorithms for Convolutional Neural Networks (arXiv:1509.09308), with the
 * points 0, +-a, +-b, infinity, where a = sqrt(1/2) and b = sqrt(2). Points that are each other's
 * reciprocals keep the numbers small, which is what int16 needs, and since a^2 b^2 = 1 and
 * a^2 + b^2 = 5/2 the transform of the input takes 12 operations for 6 values. The rows of G that
 * belong to +-b are doubled and the matching columns of A^T halved, which saves multiplications.
 *
 *           1    0  -5/2   0    1   0         1     0     0
 *           0  -2a    -2   a    1   0      -2/3 -2a/3  -1/3          1   1    1   1/2  1/2   0
 *     B^T = 0   2a    -2  -a    1   0  G = -2/3  2a/3  -1/3   A^T =  0   a   -a    a   -a    0
 *           0 -b/2  -1/2   b    1   0       1/3   b/3   2/3          0 1/2  1/2    1    1    0
 *           0  b/2  -1/2  -b    1   0       1/3  -b/3   2/3          0 a/2 -a/2    b   -b    1
 *           0    1     0 -5/2   0   1         0     0     1
 *
 * float32 has bits to spare, so along a row its tiles are 6 pixels wide, of 8 of the input, with
 * the points 0, +-1, +-2, +-1/2, infinity and matrices of its own; along a column they are those
 * above.
 *
 *           1   0  -21/4     0   21/4     0   -1  0            1     0      0
 *           0   1      1 -17/4  -17/4     1    1  0         -2/9  -2/9   -2/9
 *           0  -1      1  17/4  -17/4    -1    1  0         -2/9   2/9   -2/9
 *     B^T = 0 1/2    1/4  -5/2   -5/4     2    1  0     G = 1/90  1/45   2/45
 *           0 -1/2   1/4   5/2   -5/4    -2    1  0         1/90 -1/45   2/45
 *           0   2      4  -5/2     -5   1/2    1  0        32/45 16/45   8/45
 *           0  -2      4   5/2     -5  -1/2    1  0        32/45 -16/45  8/45
 *           0  -1      0  21/4      0 -21/4    0  1            0     0      1
 *
 * and a row i of A^T holds the i-th powers of the points.
 *
 * int16: the 36 values of all channels of a tile are multiplied by 16383 / (the largest of them)
 * and rounded. A weight is multiplied by a scale of its output channel, so small that a sum over
 * all input channels cannot leave int32 whatever the tile holds. The product of the two scales
 * turns the sum back into a float.
 */
#ifndef FOV_NET_KERNELS_WINOGRAD_H
#define FOV_NET_KERNELS_WINOGRAD_H

#define FOV_WINO_IN     6 /* pixels along a side of the input of a tile */
#define FOV_WINO_VALUES 36

/* float32: pixels along a row of a tile and of its input. */
#define FOV_WINO_WIDE_OUT    6
#define FOV_WINO_WIDE_IN     8
#define FOV_WINO_WIDE_VALUES 48

#define FOV_WINO_A 0.70710678118654752440f
#define FOV_WINO_B 1.41421356237309504880f
#define FOV_WINO_G                                                                                 \
    {                                                                                              \
        {1, 0, 0}, {-2 / 3.0, -2 / 3.0 * M_SQRT1_2, -1 / 3.0},                                     \
            {-2 / 3.0, 2 / 3.0 * M_SQRT1_2, -1 / 3.0}, {1 / 3.0, M_SQRT2 / 3, 2 / 3.0},            \
            {1 / 3.0, -M_SQRT2 / 3, 2 / 3.0}, {0, 0, 1},                                           \
    }
#define FOV_WINO_WIDE_G                                                                            \
    {                                                                                              \
        {1, 0, 0}, {-2 / 9.0, -2 / 9.0, -2 / 9.0}, {-2 / 9.0, 2 / 9.0, -2 / 9.0},                  \
            {1 / 90.0, 1 / 45.0, 2 / 45.0}, {1 / 90.0, -1 / 45.0, 2 / 45.0},                       \
            {32 / 45.0, 16 / 45.0, 8 / 45.0}, {32 / 45.0, -16 / 45.0, 8 / 45.0}, {0, 0, 1},        \
    }

/* Largest whole value of a tile. The inverse is clamped so that a tile of zeros stays one. */
#define FOV_WINO_MAX_VALUE 16383.0f
#define FOV_WINO_MIN_PEAK  1e-20f

/* Tiles that are computed together, so that weights are read once for all of them and what is
 * written between the steps stays in the L2 cache: 24 with 64 input channels. */
#define FOV_WINO_TILES 24

/* The same for AMX, which multiplies bytes, 16 tiles by 16 output channels at a time: whole numbers
 * of 16 bits as an upper byte, signed, and a lower one, in 64 input channels. */
#define FOV_WINO_BYTE_TILES    32
#define FOV_WINO_BYTE_CHANNELS 64

#endif
