/* SPDX-License-Identifier: Apache-2.0 */
/* target.c -- from the size that is wanted to a factor for the network and a resize after it.
 *
 * Threads: any. Owns: nothing. Trust: numbers are a user's; the range of each was checked by who
 * read it.
 */
#include "image/target.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/* How many times larger the picture must become along each side, at the side that asks for most. */
static double scale_of(const struct fov_target *t, double width, double height)
{
    const double across = t->width_px / width, down = t->height_px / height;
    if (t->min_side_px)
        return t->min_side_px / fmin(width, height);
    if (!t->width_px || !t->height_px)
        return fmax(across, down);
    const bool to_fit = t->fit && (!strcmp(t->fit, "contain") || !strcmp(t->fit, "inside"));
    return to_fit ? fmin(across, down) : fmax(across, down);
}

static int rounded(double length)
{
    return length < 1 ? 1 : length < INT_MAX ? (int)lround(length) : INT_MAX;
}

void fov_target_plan(const struct fov_target *t, int width_px, int height_px,
                     struct fov_target_plan *ret_plan)
{
    struct fov_target_plan p = {.factor = t->factor, .fit = "fill"};
    const double scale = scale_of(t, width_px, height_px);
    if (t->factor == FOV_FACTOR_AUTO)
        p.factor = scale <= 1 ? 1 : scale <= 2 ? 2 : scale <= 3 ? 3 : 4;
    if (t->width_px && t->height_px) {
        p.width_px = t->width_px;
        p.height_px = t->height_px;
        p.fit = t->fit ? t->fit : "cover";
        if (!strcmp(p.fit, "inside") || !strcmp(p.fit, "outside")) { /* growing is what is wanted */
            p.width_px = rounded(width_px * scale);
            p.height_px = rounded(height_px * scale);
            p.fit = "fill";
        }
    } else if (t->width_px) {
        p.width_px = t->width_px;
        p.height_px = rounded(height_px * scale);
    } else if (t->height_px) {
        p.width_px = rounded(width_px * scale);
        p.height_px = t->height_px;
    } else if (t->min_side_px && (scale > 1 || p.factor > 1)) {
        p.width_px = rounded(width_px * fmax(scale, 1));
        p.height_px = rounded(height_px * fmax(scale, 1));
    }
    *ret_plan = p;
}

enum fov_code fov_paper_parse(const char *text, double *ret_width_in, double *ret_height_in,
                              struct fov_err *err)
{
    static const struct {
        const char *name;
        double inches;
    } units[] = {{"cm", 1 / 2.54}, {"mm", 1 / 25.4}, {"in", 1}};
    char words[40];
    double width, height;
    if (snprintf(words, sizeof(words), "%s", text) < (int)sizeof(words))
        for (size_t i = 0; i < FOV_N_ELEMENTS(units); i++) {
            char *const x = strchr(words, 'x'), *const unit = strstr(words, units[i].name);
            if (!x || !unit || strcmp(unit, units[i].name))
                continue;
            *x = *unit = '\0';
            if (!fov_parse_real(words, 0.01, 10000, &width) ||
                !fov_parse_real(x + 1, 0.01, 10000, &height))
                break;
            *ret_width_in = width * units[i].inches;
            *ret_height_in = height * units[i].inches;
            return FOV_OK;
        }
    return fov_fail(err, FOV_EUSAGE,
                    "--print %.40s: it is a size on paper, like 20x30cm, 8x10in or 100x150mm",
                    text);
}

enum fov_code fov_paper_pixels(double width_in, double height_in, double dpi, int width_px,
                               int height_px, int *ret_width_px, int *ret_height_px,
                               struct fov_err *err)
{
    const bool turn = (width_in > height_in) != (width_px > height_px) && width_px != height_px;
    const double width = (turn ? height_in : width_in) * dpi;
    const double height = (turn ? width_in : height_in) * dpi;
    if (width > 1e6 || height > 1e6)
        return fov_fail(err, FOV_ELIMIT, "--print: %.0fx%.0f pixels are over the limit of 1000000",
                        width, height);
    *ret_width_px = rounded(width);
    *ret_height_px = rounded(height);
    return FOV_OK;
}
