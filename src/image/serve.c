/* SPDX-License-Identifier: Apache-2.0 */
/* serve.c -- a process that works for others, and will soon be unable to open files.
 *
 * Libraries open things when a picture first wants them: modules, plugins, fonts, tables. Here each
 * of them is made to want it, on this thread alone: pixels are computed in a region, which takes no
 * thread of libvips. Whatever fails here fails later as well, with the sentence it has there.
 *
 * Threads: the only one. Owns: the limit. Trust: nothing from outside comes here.
 */
#include <gdk-pixbuf/gdk-pixbuf.h>
#include <string.h>

#include "base/mem.h"
#include "image/vimage.h"

static bool serving;
static int64_t max_result_pixels = FOV_MAX_RESULT_PIXELS;

bool fov__is_serving(void)
{
    return serving;
}

const char *fov__hint(const char *text)
{
    return serving ? "" : text;
}

int64_t fov__max_result_pixels(void)
{
    return max_result_pixels;
}

static void open_bmp(void)
{
    static const guint8 black[58] = {'B', 'M', 58, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40,
                                     0,   0,   0,  1, 0, 0, 0, 1, 0, 0, 0,  1, 0, 24};
    GdkPixbufLoader *const loader = gdk_pixbuf_loader_new_with_type("bmp", NULL);
    if (!loader)
        return;
    (void)gdk_pixbuf_loader_write(loader, black, sizeof(black), NULL);
    (void)gdk_pixbuf_loader_close(loader, NULL);
    g_object_unref(loader);
}

/* Compute an image on this thread. */
static void compute(VipsImage *image)
{
    const VipsRect all = {0, 0, image->Xsize, image->Ysize};
    VipsRegion *const region = vips_region_new(image);
    if (region)
        (void)vips_region_prepare(region, &all);
    if (region)
        g_object_unref(region);
}

/* Fonts, and what finds them. */
static void open_fonts(void)
{
    static char drawing[] = "<svg xmlns='http://www.w3.org/2000/svg' width='64' height='64'>"
                            "<text y='9' font-family='sans-serif'>a</text>"
                            "<text y='9' font-family='sans-serif' font-weight='bold'>a</text>"
                            "<text y='9' font-family='serif'>a</text>"
                            "<text y='9' font-family='monospace'>a</text></svg>";
    VipsImage *image = NULL;
    if (!vips_svgload_buffer(drawing, sizeof(drawing) - 1, &image, NULL))
        compute(image);
    fov__unref_at(&image);
}

void fov_image_set_max_result(int64_t max_pixels)
{
    max_result_pixels = max_pixels;
}

void fov_image_serve(void)
{
    serving = true;
    (void)fov__modules_open();
    open_bmp();
    open_fonts();
    vips_error_clear();
}
