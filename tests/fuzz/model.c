/* SPDX-License-Identifier: Apache-2.0 */
/* model.c -- what every fuzzer of model files does with a file that was read. */
#include "tests/fuzz/model.h"

#include "base/cpu.h"
#include "net/arch.h"
#include "net/pack.h"

enum { MAX_ELEMENTS = 1 << 16 };

void fuzz_failed(const struct fov_err *err)
{
    if (err->code == FOV_OK || !err->text[0])
        __builtin_trap();
}

static void read_tensors(const struct fov_weights *file)
{
    static float numbers[MAX_ELEMENTS];
    for (size_t i = 0; i < fov_weights_count(file); i++) {
        const struct fov_tensor *const t = fov_weights_at(file, i);
        struct fov_err err = {0};
        if (t->n_elements <= MAX_ELEMENTS && fov_tensor_read(file, t, numbers, &err))
            fuzz_failed(&err);
    }
}

void fuzz_model(struct fov_weights *file)
{
    static struct fov_graph graph;
    struct fov_kernels kernels;
    struct fov_packed net;
    struct fov_err err = {0};
    read_tensors(file);
    fov_kernels_init(&kernels, FOV_CPU_C);
    if (fov_arch_build(file, &graph, &err) ||
        fov_packed_init(&graph, &kernels, true, 1, &net, &err))
        fuzz_failed(&err);
    else
        fov_packed_done(&net);
    fov_weights_close(file);
}
