/* SPDX-License-Identifier: Apache-2.0 */
/* load_bmp.c -- BMP by way of gdk-pixbuf, which librsvg brings along and many programs feed with
 * strangers' files; libvips reads it through ImageMagick only, which is not made for those.
 *
 * Threads: one a picture. Owns: nothing; the image does. Trust: every byte; the size is bounded
 * before memory for it is taken.
 */
#include <gdk-pixbuf/gdk-pixbuf.h>
#include <string.h>

#include "base/mem.h"
#include "image/vimage.h"

enum { PIECE = 1 << 16 };

struct bmp {
    int64_t max_pixels;
    int width, height; /* as the header says */
    bool is_over;
};

static void on_size(GdkPixbufLoader *loader, int width, int height, struct bmp *b)
{
    b->width = width;
    b->height = height;
    b->is_over = (int64_t)width * height > b->max_pixels;
    if (b->is_over)
        gdk_pixbuf_loader_set_size(loader, 0, 0); /* which ends it */
}

static uint32_t number(const unsigned char *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* Offsets in a BMP's header. */
enum { DATA = 10, HEADER = 14, WIDTH = 18, HEIGHT = 22, BITS = 28, PACKING = 30, COLOURS = 46 };

/* Are the lengths that gdk-pixbuf makes room for what they can be? It believes any. */
static bool is_sane(VipsSource *source)
{
    enum { MOST_HEADER = 124, MOST_BEFORE_DATA = 1 << 16, MOST_COLOURS = 256 };
    const unsigned char *const h = vips_source_sniff(source, HEADER + 4);
    if (!h || number(h + HEADER) > MOST_HEADER || number(h + DATA) > MOST_BEFORE_DATA)
        return false;
    const unsigned char *const all =
        number(h + HEADER) < 40 ? NULL : vips_source_sniff(source, COLOURS + 4);
    return !all || number(all + COLOURS) <= MOST_COLOURS;
}

/* How long a file with this header is at least; gdk-pixbuf takes one that ends sooner for whole.
 * Only rows that are not packed tell. */
static int64_t least_bytes(VipsSource *source)
{
    const unsigned char *const h = vips_source_sniff(source, PACKING + 4);
    if (!h || number(h + HEADER) < 40 || (number(h + PACKING) != 0 && number(h + PACKING) != 3))
        return 0;
    enum { MOST_SIDE = 1 << 24, MOST_BITS = 32 };
    const int64_t width = number(h + WIDTH), height = (int32_t)number(h + HEIGHT);
    const int64_t rows = height < 0 ? -height : height, bits = h[BITS] | h[BITS + 1] << 8;
    if (width > MOST_SIDE || rows > MOST_SIDE || bits > MOST_BITS)
        return INT64_MAX;
    return number(h + DATA) + (width * bits + 31) / 32 * 4 * rows;
}

/* Feed the file to the loader. False when it is none, or ends too soon. */
static bool feed(GdkPixbufLoader *loader, VipsSource *source)
{
    FOV_AUTO(fov_free_at) guchar *piece = fov_calloc(PIECE, 1);
    const int64_t least = least_bytes(source);
    gint64 sum = 0, n = piece && !vips_source_rewind(source) ? 1 : -1;
    while (n > 0 && (n = vips_source_read(source, piece, PIECE)) > 0) {
        sum += n;
        if (!gdk_pixbuf_loader_write(loader, piece, (gsize)n, NULL))
            n = -1;
    }
    return gdk_pixbuf_loader_close(loader, NULL) && n == 0 && sum >= least;
}

static void free_pixels(VipsImage *image, void *pixels)
{
    (void)image;
    fov_free(pixels);
}

/* An image of the pixels, without what pads their rows. */
static VipsImage *copy_of(const GdkPixbuf *p)
{
    const size_t bands = (size_t)gdk_pixbuf_get_n_channels(p);
    const size_t row = (size_t)gdk_pixbuf_get_width(p) * bands;
    const size_t height = (size_t)gdk_pixbuf_get_height(p);
    const size_t stride = (size_t)gdk_pixbuf_get_rowstride(p);
    const guint8 *const from = gdk_pixbuf_read_pixels(p);
    uint8_t *const pixels = fov_calloc(height, row);
    if (!pixels)
        return NULL;
    for (size_t y = 0; y < height; y++)
        memcpy(pixels + y * row, from + y * stride, row);
    VipsImage *const image = vips_image_new_from_memory(
        pixels, height * row, gdk_pixbuf_get_width(p), (int)height, (int)bands, VIPS_FORMAT_UCHAR);
    if (!image) {
        fov_free(pixels);
        return NULL;
    }
    image->Type = VIPS_INTERPRETATION_sRGB;
    g_signal_connect(image, "close", G_CALLBACK(free_pixels), pixels);
    return image;
}

enum fov_code fov__load_bmp(VipsSource *source, const char *name, int64_t max_pixels,
                            VipsImage **ret_image, struct fov_err *err)
{
    struct bmp b = {.max_pixels = max_pixels};
    enum fov_code rc = FOV_OK;

    if (!is_sane(source))
        return fov_fail(err, FOV_EFORMAT, "%s: cannot be decoded (its header is damaged)", name);
    GdkPixbufLoader *const loader = gdk_pixbuf_loader_new_with_type("bmp", NULL);
    if (!loader)
        return fov_fail(err, FOV_EFORMAT, "%s: gdk-pixbuf has no decoder for BMP here", name);
    g_signal_connect(loader, "size-prepared", G_CALLBACK(on_size), &b);
    const bool is_whole = feed(loader, source);
    const GdkPixbuf *const pixels = is_whole ? gdk_pixbuf_loader_get_pixbuf(loader) : NULL;
    if (b.is_over)
        rc = fov__over_limit(name, b.width, b.height, max_pixels, err);
    else if (!pixels)
        rc = fov_fail(err, FOV_EFORMAT, "%s: cannot be decoded (damaged, or a BMP of a rare kind)",
                      name);
    else if (!(*ret_image = copy_of(pixels)))
        rc = fov_fail(err, FOV_ENOMEM, "%s: no memory for its pixels", name);
    g_object_unref(loader);
    return rc;
}
