/* SPDX-License-Identifier: Apache-2.0 */
/* op_upscale.c -- enlarge with a neural network.
 *
 * Threads: see enlarge.c. Owns: nothing; the network belongs to who opened it. Trust: parameters
 * were checked.
 */
#include "image/chain.h"

enum fov_code fov__op_upscale(struct fov_chain *c, const struct fov_op_upscale *o,
                              struct fov_err *err)
{
    const struct fov_dials dials = {o->detail, o->denoise, c->image->is_clean};
    VipsImage *const in = c->image->vips;
    struct fov_model *model;
    struct fov_image *next;
    enum fov_code rc;

    if ((rc = fov__chain_may_be(c, (int64_t)in->Xsize * o->factor, (int64_t)in->Ysize * o->factor,
                                err)))
        return rc;
    if (c->options->dry_run)
        return fov__chain_resize(c, in->Xsize * o->factor, in->Ysize * o->factor, err);
    if ((rc = c->options->open_model(c->options->user, o->model, o->factor, &dials, &model, err)) ||
        (rc = fov_image_enlarge(c->image, model, o->factor, &next, err)))
        return rc;
    c->outcome->quality = 0; /* a convert before does not decide the format, either */
    fov_image_free(c->image);
    c->image = next;
    c->is_random = false; /* rows come from the network in order, once */
    return FOV_OK;
}
