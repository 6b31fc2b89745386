/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_safetensors.c -- any bytes as a model file: a sentence or a network, never a crash.
 *
 * libFuzzer's entry. Goes as far as a model does: parse, recognise, read and pack the weights.
 */
#include <stdint.h>

#include "base/mem.h"
#include "net/arch.h"
#include "net/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void pack(const struct fov_safetensors *file, struct fov_graph *graph)
{
    struct fov_packed net;
    struct fov_err err = {0};
    if (fov_arch_build(file, graph, &err) || fov_packed_init(graph, &net, &err)) {
        if (err.code == FOV_OK || !err.text[0])
            __builtin_trap(); /* failed without saying why */
        return;
    }
    fov_packed_done(&net);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct fov_graph graph;
    struct fov_safetensors *file;
    struct fov_err err = {0};
    if (fov_safetensors_parse(data, bytes, "fuzz", &file, &err)) {
        if (err.code == FOV_OK || !err.text[0])
            __builtin_trap();
        return 0;
    }
    pack(file, &graph);
    fov_safetensors_close(file);
    return 0;
}
