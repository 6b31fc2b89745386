/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_png.c -- any bytes as a picture: the PNG holds just these. And as EXIF: nothing is touched
 * outside.
 *
 * libFuzzer's entry. Byte 0: channels, depth and how often the rest repeats; byte 1: width. Not
 * much more than a block of deflate: a run takes some milliseconds.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "image/exif.h"
#include "image/png.h"
#include "tests/unit/png_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { MOST = 150000 };

static void round_trip(const struct fov_png_info *info, const uint8_t *samples, size_t row)
{
    struct bytes file = {0};
    struct fov_png *const png = fov_png_open(info, bytes_add, &file);
    bool good = png && fov_png_begin(png) && fov_png_exif(png, samples, row) &&
                fov_png_text(png, "Comment", (const char *)samples, row, false) &&
                fov_png_profile(png, samples, row);
    for (int y = 0; good && y < info->height_px; y++)
        good = fov_png_row(png, samples + (size_t)y * row);
    if (!good || !fov_png_end(png) ||
        !png_holds(&file, samples, info->width_px, info->height_px, info->n_channels, info->n_bits))
        __builtin_trap();
    fov_png_close(png);
    bytes_done(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static uint16_t room[MOST / 2];
    uint8_t *const samples = (uint8_t *)room;
    if (bytes < 3)
        return 0;
    struct fov_png_info info = {
        .width_px = 1 + data[1], .n_channels = 1 + (data[0] & 3), .n_bits = data[0] & 4 ? 16 : 8};
    const size_t row = (size_t)(info.width_px * info.n_channels * info.n_bits / 8);
    const size_t n_repeats = (size_t)1 << (data[0] >> 5), part = bytes - 2;
    size_t n = 0;
    for (size_t k = 0; k < n_repeats && n + part <= MOST; k++, n += part)
        memcpy(samples + n, data + 2, part);
    uint8_t *const exif = malloc(part);
    if (exif) {
        memcpy(exif, data + 2, part);
        if (fov_exif_drop_thumbnail(exif, part) > part)
            __builtin_trap();
        fov_exif_update(exif, part, &(struct fov_exif_facts){100000, 7, 11811, 4000000000});
    }
    free(exif);
    info.height_px = (int)(n / row);
    if (info.height_px > 0)
        round_trip(&info, samples, row);
    return 0;
}
