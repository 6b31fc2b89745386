/* SPDX-License-Identifier: Apache-2.0 */
/* mix.c -- one network out of two that share an ancestor: the weighted sum of their weights.
 *
 * Threads: one at a time for `file`. Owns: nothing; new numbers belong to `file`. Trust: both are
 * model files from outside: names, shapes, types and numbers are checked.
 */
#include "net/mix.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"

static enum fov_code differ(const struct fov_weights *file, const struct fov_weights *other,
                            const char *name, struct fov_err *err)
{
    return fov_fail(err, FOV_EMODEL,
                    "%s cannot be mixed with %s: tensor %.60s is not in both in one shape",
                    fov_weights_name(other), fov_weights_name(file), name);
}

static bool same_shape(const struct fov_tensor *a, const struct fov_tensor *b)
{
    return a->n_dims == b->n_dims &&
           !memcmp(a->dims, b->dims, (size_t)a->n_dims * sizeof(a->dims[0]));
}

static enum fov_code mix_tensor(struct fov_weights *file, const struct fov_tensor *t, float share,
                                const struct fov_weights *other, const struct fov_tensor *u,
                                float other_share, struct fov_err *err)
{
    const size_t n = t->n_elements;
    FOV_AUTO(fov_free_at) float *a = fov_calloc(n, sizeof(*a));
    FOV_AUTO(fov_free_at) float *b = fov_calloc(n, sizeof(*b));
    float *sum;
    enum fov_code rc;
    if (!a || !b)
        return fov_fail(err, FOV_ENOMEM, "%s: no memory for tensor %.60s", fov_weights_name(file),
                        t->name);
    if ((rc = fov_tensor_read(file, t, a, err)) || (rc = fov_tensor_read(other, u, b, err)) ||
        (rc = fov_weights_replace(file, t->name, n, &sum, err)))
        return rc;
    for (size_t i = 0; i < n; i++)
        sum[i] = share * a[i] + other_share * b[i];
    return FOV_OK;
}

enum fov_code fov_mix(struct fov_weights *file, float share, const struct fov_weights *other,
                      float other_share, struct fov_err *err)
{
    enum fov_code rc;
    for (size_t i = 0; i < fov_weights_count(other); i++) {
        const char *const name = fov_weights_at(other, i)->name;
        if (!fov_weights_find(file, name))
            return differ(file, other, name, err);
    }
    for (size_t i = 0; i < fov_weights_count(file); i++) {
        const struct fov_tensor *const t = fov_weights_at(file, i);
        const struct fov_tensor *const u = fov_weights_find(other, t->name);
        if (!u || !same_shape(t, u))
            return differ(file, other, t->name, err);
        if ((rc = mix_tensor(file, t, share, other, u, other_share, err)))
            return rc;
    }
    return FOV_OK;
}
