/* SPDX-License-Identifier: Apache-2.0 */
/* arch.c -- recognise a network by the names of its tensors.
 *
 * Model files name no architecture that could be relied on, but the names of their tensors do: the
 * community's tools tell networks apart in the same way, so files people already have just work.
 *
 * Threads: any. Owns: nothing. Trust: names and shapes come from a model file.
 */
#include "net/arch.h"

#include <stdio.h>

#include "base/mem.h"

static const struct fov_arch *const archs[] = {&fov_arch_residual, &fov_arch_compact};

static enum fov_code unknown(const struct fov_safetensors *file, struct fov_err *err)
{
    char known[80] = "", seen[100] = "";
    size_t used = 0;
    for (size_t i = 0; i < FOV_N_ELEMENTS(archs) && used < sizeof(known); i++)
        used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "",
                                 archs[i]->what);
    used = 0;
    for (size_t i = 0; i < 3 && i < fov_safetensors_count(file) && used < sizeof(seen); i++)
        used += (size_t)snprintf(seen + used, sizeof(seen) - used, "%s%.30s", i ? ", " : "",
                                 fov_safetensors_at(file, i)->name);
    return fov_fail(err, FOV_EMODEL, "%s: no known network (%s); its tensors begin %s",
                    fov_safetensors_name(file), known, seen);
}

/* A tensor that no layer uses means that the file is something else than it looks like. */
static enum fov_code check_all_used(const struct fov_graph *g, struct fov_err *err)
{
    size_t used = 0;
    for (int i = 1; i < g->n_layers; i++)
        used += g->layers[i].slope ? 3 : 2;
    if (used != fov_safetensors_count(g->file))
        return fov_fail(err, FOV_EMODEL,
                        "%s: looks like a %s network, which has %zu tensors of these sizes, but "
                        "holds %zu",
                        fov_safetensors_name(g->file), g->architecture, used,
                        fov_safetensors_count(g->file));
    return FOV_OK;
}

enum fov_code fov_arch_build(const struct fov_safetensors *file, struct fov_graph *ret_graph,
                             struct fov_err *err)
{
    enum fov_code rc;
    for (size_t i = 0; i < FOV_N_ELEMENTS(archs); i++) {
        if (!archs[i]->matches(file))
            continue;
        ret_graph->architecture = archs[i]->name;
        ret_graph->file = file;
        ret_graph->mean = 0;
        ret_graph->n_layers = 1;
        if ((rc = archs[i]->build(ret_graph, err)) || (rc = fov_graph_check(ret_graph, err)) ||
            (rc = check_all_used(ret_graph, err)))
            return rc;
        return FOV_OK;
    }
    return unknown(file, err);
}
