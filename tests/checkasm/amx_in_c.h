/* SPDX-License-Identifier: Apache-2.0 */
/* amx_in_c.h -- the instructions of AMX that a kernel uses, in C: it is included before the kernel,
 * so that CPUs without the unit can test all of it but the unit.
 *
 * Tiles are 16 rows of 64 bytes, which is the only shape that is used; what the configuration says
 * is not looked at. Intel, Architecture Instruction Set Extensions Programming Reference,
 * chapter 3.
 */
#ifndef FOV_TESTS_CHECKASM_AMX_IN_C_H
#define FOV_TESTS_CHECKASM_AMX_IN_C_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

static union tile {
    uint8_t bytes[16][64];
    int32_t sums[16][16];
} tiles[8];

static inline void load_tile(int t, const void *from, size_t stride)
{
    for (size_t i = 0; i < 16; i++)
        memcpy(tiles[t].bytes[i], (const char *)from + i * stride, 64);
}

static inline void store_tile_at(int t, void *to, size_t stride)
{
    for (size_t i = 0; i < 16; i++)
        memcpy((char *)to + i * stride, tiles[t].bytes[i], 64);
}

static inline int byte_of(uint8_t byte, int is_signed)
{
    return is_signed ? (int8_t)byte : byte;
}

/* Of rows of `a` by columns of `b`, four bytes of which lie side by side. */
static inline void add_products(int sums, int a, int a_is_signed, int b, int b_is_signed)
{
    for (int m = 0; m < 16; m++)
        for (int n = 0; n < 16; n++)
            for (int k = 0; k < 64; k++)
                tiles[sums].sums[m][n] +=
                    byte_of(tiles[a].bytes[m][k], a_is_signed) *
                    byte_of(tiles[b].bytes[k / 4][4 * n + k % 4], b_is_signed);
}

#undef _tile_loadconfig
#undef _tile_release
#undef _tile_zero
#undef _tile_loadd
#undef _tile_stored
#undef _tile_dpbssd
#undef _tile_dpbsud
#undef _tile_dpbusd
#undef _tile_dpbuud
#define _tile_loadconfig(shapes)     ((void)(shapes))
#define _tile_release()              ((void)0)
#define _tile_zero(t)                memset(&tiles[t], 0, sizeof(tiles[t]))
#define _tile_loadd(t, from, stride) load_tile(t, from, stride)
#define _tile_stored(t, to, stride)  store_tile_at(t, to, stride)
#define _tile_dpbssd(sums, a, b)     add_products(sums, a, 1, b, 1)
#define _tile_dpbsud(sums, a, b)     add_products(sums, a, 1, b, 0)
#define _tile_dpbusd(sums, a, b)     add_products(sums, a, 0, b, 1)
#define _tile_dpbuud(sums, a, b)     add_products(sums, a, 0, b, 0)

#endif
