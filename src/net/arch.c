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
#include "net/fold.h"

/* Each matches on names that no other has, so their order does not matter. */
static const struct fov_arch *const archs[] = {
    &fov_arch_residual, &fov_arch_compact, &fov_arch_esrgan, &fov_arch_span, &fov_arch_edsr,
};

static enum fov_code unknown(const struct fov_weights *file, struct fov_err *err)
{
    char known[160] = "", seen[100] = "";
    size_t used = 0;
    for (size_t i = 0; i < FOV_N_ELEMENTS(archs) && used < sizeof(known); i++)
        used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "",
                                 archs[i]->what);
    used = 0;
    for (size_t i = 0; i < 3 && i < fov_weights_count(file) && used < sizeof(seen); i++)
        used += (size_t)snprintf(seen + used, sizeof(seen) - used, "%s%.30s", i ? ", " : "",
                                 fov_weights_at(file, i)->name);
    return fov_fail(err, FOV_EMODEL, "%s: no known network (%s); its tensors begin %s",
                    fov_weights_name(file), known, seen);
}

/* A tensor that no layer uses means that the file is something else than it looks like. */
static enum fov_code check_all_used(const struct fov_graph *g, struct fov_err *err)
{
    if (g->n_tensors != fov_weights_count(g->file))
        return fov_fail(err, FOV_EMODEL,
                        "%s: looks like a %s network, which has %zu tensors of these sizes, but "
                        "holds %zu",
                        fov_weights_name(g->file), g->architecture, g->n_tensors,
                        fov_weights_count(g->file));
    return FOV_OK;
}

enum fov_code fov_arch_build(struct fov_weights *file, struct fov_graph *ret_graph,
                             struct fov_err *err)
{
    enum fov_code rc;
    for (size_t i = 0; i < FOV_N_ELEMENTS(archs); i++) {
        if (!archs[i]->matches(file))
            continue;
        fov_graph_init(ret_graph, archs[i]->name, file);
        if ((rc = fov_fold(file, err)) || (rc = archs[i]->build(ret_graph, err)) ||
            (rc = fov_graph_check(ret_graph, err)) || (rc = check_all_used(ret_graph, err)))
            return rc;
        return FOV_OK;
    }
    return unknown(file, err);
}
