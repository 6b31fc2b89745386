/* SPDX-License-Identifier: Apache-2.0 */
/* kernels.c -- choose kernels by what the CPU can do.
 *
 * Threads: the table is filled once by each engine and read-only then; there is no global one, so
 * two engines of a test can run different variants side by side. Owns: nothing.
 */
#include "net/kernels/kernels.h"

#include "base/cpu.h"
#include "net/kernels/winograd.h"

void fov_kernels_init(struct fov_kernels *k, unsigned cpu)
{
#define KERNEL(type, slot, isa, needs)                                                             \
    if ((cpu & (needs)) == (needs))                                                                \
        k->slot = fov_##slot##_##isa;
#include "net/kernels/kernels.def"
#undef KERNEL
}

/* The parts of winograd_x86.h's and winograd_c.h's scratch memory, float32 being the larger: values
 * of the tiles, products of 64 channels, columns, and one tile's values before they are rounded. */
size_t fov_conv_scratch_bytes(size_t in_ch)
{
    const size_t values = FOV_WINO_VALUES * FOV_WINO_TILES * in_ch;
    const size_t products = FOV_WINO_VALUES * FOV_WINO_TILES * 64;
    const size_t columns = 12 * FOV_WINO_IN * in_ch, tile = FOV_WINO_VALUES * in_ch;

    return (values + products + columns + tile) * sizeof(float) + 4096;
}
