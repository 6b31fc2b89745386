/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_recipe.c -- any bytes as operations: a sentence, or a chain that a small picture can be put
 * through without a pixel being computed, and whose result is within the limits.
 *
 * libFuzzer's entry.
 */
#include <string.h>

#include "image/recipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { W = 31, H = 23 };

static void put_through(const struct fov_recipe *recipe)
{
    static uint8_t pixels[W * H * 3];
    const struct fov_recipe_options options = {.dry_run = true};
    struct fov_image *in, *out;
    struct fov_image_info info;
    struct fov_outcome outcome;
    struct fov_err err = {0};

    if (fov_image_from_rgb8(pixels, W, H, "a picture", &in, NULL))
        __builtin_trap();
    const enum fov_code rc = fov_recipe_run(recipe, in, &options, &out, &outcome, &err);
    if (rc != FOV_OK) {
        if (err.code != rc || !strstr(err.text, "ops["))
            __builtin_trap();
    } else {
        fov_image_get_info(out, &info);
        if (info.width_px < 1 || info.height_px < 1 ||
            (int64_t)info.width_px * info.height_px > 2 * FOV_MAX_RESULT_PIXELS)
            __builtin_trap();
        fov_image_free(out);
    }
    fov_image_free(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static bool started;
    struct fov_recipe *recipe;
    struct fov_err err = {0};

    if (!started && fov_image_start("fuzz_recipe", 1, NULL, NULL))
        __builtin_trap();
    started = true;
    const enum fov_code rc = fov_recipe_parse((const char *)data, bytes, "ops", &recipe, &err);
    if (rc) {
        if (err.code != rc || !err.text[0])
            __builtin_trap();
        return 0;
    }
    put_through(recipe);
    fov_recipe_free(recipe);
    return 0;
}
