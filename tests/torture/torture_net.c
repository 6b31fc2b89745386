/* SPDX-License-Identifier: Apache-2.0 */
/* torture_net.c -- fail the n-th allocation of a whole upscale, then the next, until it succeeds.
 *
 * usage: torture_net MODEL [dials]. Every failure must be FOV_ENOMEM with a sentence, leave
 * results untouched and leak nothing (the sanitizer build sees that).
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "fovea/fovea.h"

enum { W = 20, H = 9, MAX_SCALE = 4 };

/* Everything the API allocates for: an engine of two threads, a model mixed of three or of two, a
 * stream, a whole picture.
 */
static enum fov_code upscale_once(const char *path, bool has_partners, struct fov_err *err)
{
    static unsigned char in[W * H * 3], out[W * H * 3 * MAX_SCALE * MAX_SCALE];
    const struct fov_engine_options options = {.n_threads = 2};
    const struct fov_shape shape = {.width_px = W, .height_px = H, .n_channels = 3};
    const struct fov_model_part parts[] = {{path, 0.5}, {path, 0.5}};
    const struct fov_dials halfway = {0.5, 0.5, 0};
    struct fov_engine *engine = NULL;
    struct fov_model *model = NULL;

    enum fov_code rc = fov_engine_open(&options, &engine, err);
    if (!rc)
        rc = has_partners ? fov_model_open_dialled(engine, path, &halfway, &model, err)
                          : fov_model_open_mix(engine, parts, 2, &model, err);
    if (!rc)
        rc = fov_upscale(model, &shape, in, out, err);
    fov_model_close(model);
    fov_engine_close(engine);
    return rc;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    const bool has_partners = argc > 2;
    for (long n = 0; n < 10000; n++) {
        struct fov_err err = {0};
        fov_mem_fail_after(n);
        const enum fov_code rc = upscale_once(argv[1], has_partners, &err);
        fov_mem_fail_after(-1);
        if (rc == FOV_OK) {
            printf("torture: %ld allocations failed in turn\n", n);
            return n < 20; /* fewer would mean that the switch does not work */
        }
        if (rc != FOV_ENOMEM || err.code != rc || !err.text[0]) {
            fprintf(stderr, "allocation %ld: code %d, '%s'\n", n, (int)rc, err.text);
            return 1;
        }
    }
    fprintf(stderr, "torture: it never succeeds\n");
    return 1;
}
