/* SPDX-License-Identifier: Apache-2.0 */
/* png.c -- time our PNG writer on pictures, in turns with libvips's at level 2.
 *
 * usage: bench_png PICTURE... ; prints a line each: milliseconds of CPU and megabytes. The least of
 * several runs, as both take turns: what others do on the machine only ever adds.
 *
 * Threads: one for ours; libvips's as it likes, all counted. Owns: one picture at a time.
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <vips/vips.h>

#include "image/png.h"

enum { RUNS = 5 };

static double cpu_ms(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return 1e3 * (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           1e-3 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static bool count_bytes(void *user, const void *bytes, size_t n)
{
    (void)bytes;
    *(size_t *)user += n;
    return true;
}

static size_t by_us(const VipsImage *image, const unsigned char *pixels)
{
    const struct fov_png_info info = {.width_px = image->Xsize,
                                      .height_px = image->Ysize,
                                      .n_channels = image->Bands,
                                      .n_bits = image->BandFmt == VIPS_FORMAT_USHORT ? 16 : 8};
    const size_t row = (size_t)(info.width_px * info.n_channels * info.n_bits / 8);
    size_t n = 0;
    struct fov_png *const png = fov_png_open(&info, count_bytes, &n);
    bool good = png && fov_png_begin(png);
    for (int y = 0; good && y < info.height_px; y++)
        good = fov_png_row(png, pixels + (size_t)y * row);
    good = good && fov_png_end(png);
    fov_png_close(png);
    return good ? n : 0;
}

static size_t by_libvips(const VipsImage *image, const void *pixels, size_t bytes)
{
    VipsImage *const v = vips_image_new_from_memory(pixels, bytes, image->Xsize, image->Ysize,
                                                    image->Bands, image->BandFmt);
    void *png = NULL;
    size_t n = 0;
    if (v)
        v->Type = image->Type; /* without it, 16 bits would become 8 */
    if (v && !vips_pngsave_buffer(v, &png, &n, "compression", 2, "filter",
                                  VIPS_FOREIGN_PNG_FILTER_ALL, NULL))
        g_free(png);
    if (v)
        g_object_unref(v);
    return n;
}

static int run(const char *path)
{
    VipsImage *const image = vips_image_new_from_file(path, NULL);
    size_t bytes, n_ours = 0, n_theirs = 0;
    double ours = 1e9, theirs = 1e9;
    unsigned char *const pixels = image ? vips_image_write_to_memory(image, &bytes) : NULL;
    if (!pixels || (image->BandFmt != VIPS_FORMAT_UCHAR && image->BandFmt != VIPS_FORMAT_USHORT)) {
        fprintf(stderr, "%s: cannot be read: %s\n", path, vips_error_buffer());
        return 1;
    }
    for (int i = 0; i < RUNS; i++) {
        const double start = cpu_ms();
        n_ours = by_us(image, pixels);
        const double middle = cpu_ms();
        n_theirs = by_libvips(image, pixels, bytes);
        const double end = cpu_ms();
        ours = middle - start < ours ? middle - start : ours;
        theirs = end - middle < theirs ? end - middle : theirs;
    }
    const char *const slash = strrchr(path, '/');
    printf("%-28s %6.2f MB of pixels: %6.1f ms %7.3f MB, libvips %6.1f ms %7.3f MB, %+.1f %%\n",
           slash ? slash + 1 : path, (double)bytes / 1e6, ours, (double)n_ours / 1e6, theirs,
           (double)n_theirs / 1e6, 100.0 * (double)n_ours / (double)n_theirs - 100);
    g_free(pixels);
    g_object_unref(image);
    return 0;
}

int main(int argc, char **argv)
{
    int failed = 0;
    if (argc < 2 || vips_init(argv[0])) {
        fprintf(stderr, "usage: bench_png PICTURE...\n");
        return 2;
    }
    for (int i = 1; i < argc; i++)
        failed |= run(argv[i]);
    vips_shutdown();
    return failed;
}
