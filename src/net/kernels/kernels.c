/* SPDX-License-Identifier: Apache-2.0 */
/* kernels.c -- choose kernels by what the CPU can do.
 *
 * Threads: the table is filled once by each engine and read-only then; there is no global one, so
 * two engines of a test can run different variants side by side. Owns: nothing.
 */
#include "net/kernels/kernels.h"

#include "base/cpu.h"
#include "base/mem.h"
#include "net/kernels/winograd.h"

void fov_kernels_init(struct fov_kernels *k, unsigned cpu)
{
#define KERNEL(type, slot, isa, needs)                                                             \
    if ((cpu & (needs)) == (needs))                                                                \
        k->slot = fov_##slot##_##isa;
#include "net/kernels/kernels.def"
#undef KERNEL
}

bool fov_conv_takes_bytes(fov_conv_fn *fn)
{
#if defined(__x86_64__)
    return fn == fov_conv_winograd_i16_amx;
#else
    (void)fn;
    return false;
#endif
}

/* The parts of winograd_x86.h's and winograd_c.h's scratch memory, at most: values of the tiles
 * (two bytes for each of 48 x 32, or float32 for 48 x 12), products of 64 channels,
 * columns, and one tile's values before they are rounded. */
size_t fov_conv_scratch_bytes(size_t in_ch)
{
    const size_t tiles = FOV_WINO_VALUES * FOV_WINO_BYTE_TILES,
                 gaps = FOV_WINO_VALUES * FOV_WINO_GAP;
    const size_t values = 2 * (tiles * fov_round_up(in_ch, FOV_WINO_SUM_CHANNELS) + gaps);
    const size_t products = tiles * 64 + FOV_WINO_BYTE_TILES * FOV_WINO_PRODUCT_GAP;
    const size_t columns = 12 * FOV_WINO_ROWS * in_ch, tile = FOV_WINO_VALUES * in_ch;

    return values + (products + columns + tile) * sizeof(float) + 4096;
}
