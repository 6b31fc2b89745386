/* SPDX-License-Identifier: Apache-2.0 */
/* dials.c -- which files a network with its dials turned is made of.
 *
 * Threads: one at a time. Owns: the paths that it makes up. Trust: metadata are a stranger's: a
 * partner is a name in the folder of the file, never a path.
 */
#include "net/dials.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

static const char *metadata(const struct fov_weights *file, const char *wanted)
{
    const char *key, *value;
    for (size_t i = 0; i < fov_weights_n_metadata(file); i++) {
        fov_weights_metadata_at(file, i, &key, &value);
        if (!strcmp(key, wanted))
            return value;
    }
    return NULL;
}

/* The file called `name` beside `path`, with its suffix. */
static enum fov_code beside(const char *path, const char *name, char **ret_path,
                            struct fov_err *err)
{
    const char *const slash = strrchr(path, '/');
    const char *const file = slash ? slash + 1 : path;
    const char *const dot = strrchr(file, '.');
    const size_t bytes = strlen(path) + strlen(name) + 1;

    if (!*name || strchr(name, '/'))
        return fov_fail(err, FOV_EMODEL, "%s: it calls its partner '%.40s', which is no name", path,
                        name);
    char *const partner = fov_calloc(bytes, 1);
    if (!partner)
        return fov_fail(err, FOV_ENOMEM, "no memory to find a model");
    (void)snprintf(partner, bytes, "%.*s%s%s", (int)(file - path), path, name, dot ? dot : "");
    *ret_path = partner;
    return FOV_OK;
}

/* Add the partner that the metadata call `role`, with its share. */
static enum fov_code add(struct fov_dialled *d, const struct fov_weights *file, const char *role,
                         double share, struct fov_err *err)
{
    const char *const path = d->parts[0].path, *const name = metadata(file, role);
    char **const partner = &d->paths[d->n_parts];
    enum fov_code rc;

    if (!name)
        return fov_fail(err, FOV_EMODEL, "%s has no such dial: it names no %s partner", path, role);
    if ((rc = beside(path, name, partner, err)))
        return rc;
    if (access(*partner, R_OK))
        return fov_fail(err, FOV_EMODEL, "%s: its %s partner %s is not there", path, role,
                        *partner);
    d->parts[d->n_parts++] = (struct fov_model_part){*partner, share};
    return FOV_OK;
}

/* Is there the partner that the metadata call `role`? */
static bool has(const struct fov_weights *file, const char *path, const char *role)
{
    FOV_AUTO(fov_free_at) char *partner = NULL;
    const char *const name = metadata(file, role);
    return name && !beside(path, name, &partner, NULL) && !access(partner, R_OK);
}

/* Where the file wants the dial for detail: 0 without a partner. */
static double default_detail(const struct fov_weights *file, const char *path)
{
    const char *const text = metadata(file, "detail");
    double detail;
    return text && fov_parse_real(text, 0, 1, &detail) && has(file, path, "detailed") ? detail : 0;
}

/* Where the dial for denoise stands by itself. */
static double default_denoise(const struct fov_weights *file, const char *path, bool is_clean)
{
    return is_clean && has(file, path, "clean") &&
                   (!metadata(file, "clean_detailed") || has(file, path, "clean_detailed"))
               ? 0
               : 1;
}

enum fov_code fov_dialled_init(const struct fov_weights *file, const char *path,
                               const struct fov_dials *dials, struct fov_dialled *ret_dialled,
                               struct fov_err *err)
{
    struct fov_dialled *const d = ret_dialled;
    const double detail = dials->detail < 0 ? default_detail(file, path) : dials->detail;
    const double denoise =
        dials->denoise < 0 ? default_denoise(file, path, dials->is_clean) : dials->denoise;
    enum fov_code rc = FOV_OK;

    *d = (struct fov_dialled){.dials = {detail, denoise, dials->is_clean}, .n_parts = 1};
    if (!(detail <= 1) || !(denoise <= 1)) /* nor NaN */
        return fov_fail(err, FOV_EUSAGE, "a dial is turned to %g, which is not from 0 to 1",
                        detail <= 1 ? denoise : detail);
    const bool has_own = metadata(file, "clean_detailed"); /* the clean network's detailed end */
    const double drawn = has_own ? detail * denoise : detail;
    const double clean_drawn = has_own ? detail * (1 - denoise) : 0;
    d->parts[0] = (struct fov_model_part){path, denoise - drawn};
    if (drawn > 0)
        rc = add(d, file, "detailed", drawn, err);
    if (!rc && denoise < 1)
        rc = add(d, file, "clean", 1 - denoise - clean_drawn, err);
    if (!rc && clean_drawn > 0)
        rc = add(d, file, "clean_detailed", clean_drawn, err);
    return rc;
}

void fov_dialled_done(struct fov_dialled *dialled)
{
    for (int i = 0; i < FOV_MAX_DIALLED; i++)
        fov_free(dialled->paths[i]);
}
