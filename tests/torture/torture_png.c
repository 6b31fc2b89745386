/* SPDX-License-Identifier: Apache-2.0 */
/* torture_png.c -- fail the n-th allocation of a PNG with all its metadata, then the next, until it
 * is written.
 *
 * Every failure must be told as one of memory, and leak nothing (the sanitizer build sees that).
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "image/png.h"

static bool write_nowhere(void *user, const void *bytes, size_t n)
{
    (void)user, (void)bytes, (void)n;
    return true;
}

/* Says whether memory lasted; *ret_told whether it was said to be memory where it did not. */
static bool write_once(bool *ret_told)
{
    static const struct fov_png_info info = {33, 5, 4, 16};
    static const uint16_t row[33 * 4];
    static const char profile[200] = {0,   0,   0,          (char)200, [16] = 'R', 'G',
                                      'B', ' ', [36] = 'a', 'c',       's',        'p'};
    struct fov_png *const png = fov_png_open(&info, write_nowhere, NULL);
    *ret_told = true;
    if (!png)
        return false;
    bool good = fov_png_begin(png) && fov_png_profile(png, profile, sizeof(profile)) &&
                fov_png_exif(png, "II*\0\0\0\0", 8) && fov_png_resolution(png, 1, 1) &&
                fov_png_text(png, "Title", "text", 4, false);
    for (int y = 0; good && y < info.height_px; y++)
        good = fov_png_row(png, row);
    good = good && fov_png_end(png);
    *ret_told = good || fov_png_no_memory(png);
    fov_png_close(png);
    return good;
}

int main(void)
{
    for (long n = 0; n < 1000; n++) {
        bool told;
        fov_mem_fail_after(n);
        const bool good = write_once(&told);
        fov_mem_fail_after(-1);
        if (good) {
            printf("torture: %ld allocations failed in turn\n", n);
            return n < 10; /* fewer would mean that the switch does not work */
        }
        if (!told) {
            fprintf(stderr, "allocation %ld failed, and nobody says so\n", n);
            return 1;
        }
    }
    fprintf(stderr, "torture: it never succeeds\n");
    return 1;
}
