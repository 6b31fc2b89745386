/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_inspect.c -- fovea inspect IN...: what pictures are, and how large they print well.
 *
 * Threads: main. Owns: what one run opens. Trust: pictures: see image/load.c; only headers are
 * read, and BMP, which is decoded.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "image/target.h"

static const double cm_of_inch = 2.54;

/* What people print on. */
static const struct {
    const char *name;
    double width_in, height_in;
} papers[] = {
    {"10x15 cm", 10 / 2.54, 15 / 2.54}, {"13x18 cm", 13 / 2.54, 18 / 2.54},
    {"20x30 cm", 20 / 2.54, 30 / 2.54}, {"8x10 in", 8, 10},
    {"A4", 21 / 2.54, 29.7 / 2.54},     {"A3", 29.7 / 2.54, 42 / 2.54},
    {"50x70 cm", 50 / 2.54, 70 / 2.54},
};

/* What a paper asks of a picture that fills it. */
struct need {
    int factor;    /* 1: none; 4 as well where that is not enough */
    double at_dpi; /* enlarged so */
};

static struct need need_of(const struct fov_image_info *in, int paper, int dpi)
{
    struct fov_target target = {0};
    struct fov_target_plan plan;
    if (fov_paper_pixels(papers[paper].width_in, papers[paper].height_in, dpi, in->width_px,
                         in->height_px, &target.width_px, &target.height_px, NULL))
        return (struct need){4, 0}; /* more pixels than a picture may have */
    fov_target_plan(&target, in->width_px, in->height_px, &plan);
    return (struct need){plan.factor, dpi * plan.factor *
                                          fmin((double)in->width_px / target.width_px,
                                               (double)in->height_px / target.height_px)};
}

static const char *colours_of(const struct fov_image_info *in)
{
    static const char *const names[] = {"grey", "grey and alpha", "RGB", "RGB and alpha"};
    return names[in->n_channels - 1];
}

static void print_words(const struct fov_image_info *in, int dpi)
{
    printf("%s: %s, %dx%d pixels, %d bits, %s", in->name, in->format, in->width_px, in->height_px,
           in->is_16bit ? 16 : 8, colours_of(in));
    if (in->n_frames > 1)
        printf(", %d frames", in->n_frames);
    if (in->dpi > 0)
        printf(", %.0f dpi", in->dpi);
    printf("%s%s%s%s\n", in->has_profile ? ", ICC profile" : "", in->has_exif ? ", EXIF" : "",
           in->has_xmp ? ", XMP" : "", in->has_iptc ? ", IPTC" : "");
    if (in->is_vector) {
        printf("  a drawing: prints well at any size\n");
        return;
    }
    printf("  at %d dpi it prints %.1f x %.1f cm", dpi, in->width_px * cm_of_inch / dpi,
           in->height_px * cm_of_inch / dpi);
    for (int factor = 2; factor <= 4; factor++)
        printf("%s %.1f x %.1f cm", factor == 2 ? "; enlarged 2, 3, 4 times" : ",",
               factor * in->width_px * cm_of_inch / dpi, factor * in->height_px * cm_of_inch / dpi);
    printf("\n  to fill");
    for (size_t i = 0; i < FOV_N_ELEMENTS(papers); i++) {
        const struct need n = need_of(in, (int)i, dpi);
        printf("%s %s", i ? ";" : "", papers[i].name);
        if (n.factor > 1)
            printf(" x%d", n.factor);
        if (lround(n.at_dpi) < dpi)
            printf(" (%.0f dpi)", n.at_dpi);
    }
    printf("\n");
}

static json_t *as_json(const struct fov_image_info *in, int dpi)
{
    json_t *const list = in->is_vector ? NULL : json_array();
    for (size_t i = 0; list && i < FOV_N_ELEMENTS(papers); i++) {
        const struct need n = need_of(in, (int)i, dpi);
        (void)json_array_append_new(list, json_pack("{s:s, s:i, s:f}", "paper", papers[i].name,
                                                    "factor", n.factor, "dpi", n.at_dpi));
    }
    return json_pack(
        "{s:o, s:s, s:i, s:i, s:i, s:i, s:i, s:b, s:b, s:b, s:b, s:b, s:o*, s:i, s:f, s:f, s:o*}",
        "input", fov_cli_text(in->name), "format", in->format, "width_px", in->width_px,
        "height_px", in->height_px, "frames", in->n_frames, "bits", in->is_16bit ? 16 : 8,
        "channels", in->n_channels, "alpha", in->has_alpha, "profile", in->has_profile, "exif",
        in->has_exif, "xmp", in->has_xmp, "iptc", in->has_iptc, "dpi",
        in->dpi > 0 ? json_real(in->dpi) : NULL, "print_dpi", dpi, "print_width_cm",
        in->width_px * cm_of_inch / dpi, "print_height_cm", in->height_px * cm_of_inch / dpi,
        "prints", list);
}

static enum fov_code inspect(const struct fov_args *args, const char *path, json_t *list,
                             struct fov_err *err)
{
    const struct fov_load_options options = {.max_pixels = args->max_pixels,
                                             .page = args->page,
                                             .all_frames = true,
                                             .trust = args->trust,
                                             .header_only = true};
    const int dpi = args->dpi > 0 ? args->dpi : 300;
    struct fov_image *image;
    struct fov_image_info info;
    const enum fov_code rc = fov_image_load(path, &options, &image, err);
    if (rc)
        return rc;
    fov_image_get_info(image, &info);
    if (list)
        (void)json_array_append_new(list, as_json(&info, dpi));
    else
        print_words(&info, dpi);
    fov_image_free(image);
    return FOV_OK;
}

enum fov_code fov_cmd_inspect(const struct fov_args *args, struct fov_err *err)
{
    FOV_AUTO(fov_cli_engine_close_at) struct fov_engine *engine = NULL;
    enum fov_code rc = fov_cli_start(args, &engine, err), worst = FOV_OK;
    int n_failed = 0;
    if (rc)
        return rc;
    json_t *const list = args->json ? json_array() : NULL;
    for (int i = 0; i < args->n_operands && !fov_cli_stopped(); i++) {
        struct fov_err why = {0};
        if (!(rc = inspect(args, args->operands[i], list, &why)))
            continue;
        worst = rc;
        n_failed++;
        if (list)
            (void)json_array_append_new(list, json_pack("{s:o, s:o}", "input",
                                                        fov_cli_text(args->operands[i]), "error",
                                                        fov_cli_text(why.text)));
        if (args->n_operands > 1)
            fov_log(FOV_LOG_ERROR, "%s", why.text);
        else
            (void)fov_fail(err, rc, "%s", why.text);
    }
    if (list && (rc = fov_cli_print_json(list, err)))
        return rc;
    if (fov_cli_stopped())
        return fov_fail(err, FOV_ECANCEL, "stopped");
    return n_failed && args->n_operands > 1
               ? fov_fail(err, FOV_ESOME, "%d of %d could not be read", n_failed, args->n_operands)
               : worst;
}
