/* SPDX-License-Identifier: Apache-2.0 */
/* kernels.c -- choose kernels by what the CPU can do.
 *
 * Threads: the table is filled once by each engine and read-only then; there is no global one, so
 * two engines of a test can run different variants side by side. Owns: nothing.
 */
#include "net/kernels/kernels.h"

#include "base/cpu.h"

void fov_kernels_init(struct fov_kernels *k, unsigned cpu)
{
#define KERNEL(slot, isa, needs)                                                                   \
    if ((cpu & (needs)) == (needs))                                                                \
        k->slot = fov_##slot##_##isa;
#include "net/kernels/kernels.def"
#undef KERNEL
}
