/* SPDX-License-Identifier: Apache-2.0 */
/* formats.c -- formats by their first bytes, and the packages that bring what libvips may lack.
 *
 * Debian 12 brings all of these with libvips42. Elsewhere they are packages of their own: modules
 * of libvips (Fedora, Alpine), plugins of libheif (Debian from 13 on).
 *
 * Threads: any. Owns: nothing. Trust: the first bytes of a file, which are only compared.
 */
#include <string.h>

#include "base/mem.h"
#include "image/vimage.h"

#define HEIF_PACKAGES "vips-heif on Fedora and Alpine, libheif1"

static const struct {
    const char *format, *magic; /* of `n` bytes, from byte `at` */
    size_t n, at;
    const char *loader; /* "Tiff": libvips's is VipsForeignLoadTiffSource */
    const char *packages;
} formats[] = {
    {"BMP", "BM", 2, 0, NULL, NULL},
    {"PPM", "P5", 2, 0, "Ppm", NULL},
    {"PPM", "P6", 2, 0, "Ppm", NULL},
    {"SVG", "<svg", 4, 0, "Svg", NULL},
    {"AVIF", "ftypavif", 8, 4, "Heif",
     HEIF_PACKAGES ", libheif-plugin-dav1d and libheif-plugin-aomenc on Debian"},
    {"HEIF", "ftyp", 4, 4, "Heif",
     HEIF_PACKAGES ", libheif-plugin-libde265 and libheif-plugin-x265 on Debian"},
    {"JPEG XL", "\xff\x0a", 2, 0, "Jxl", "vips-jxl on Fedora and Alpine, libjxl on Debian"},
    {"JPEG XL", "\0\0\0\x0cJXL ", 8, 0, "Jxl", "vips-jxl on Fedora and Alpine, libjxl on Debian"},
    {"JPEG 2000", "\0\0\0\x0cjP  ", 8, 0, "Jp2k", "a libvips built with openjpeg"},
    {"JPEG", "\xff\xd8\xff", 3, 0, "Jpeg", "a libvips built with libjpeg-turbo"},
    {"PNG", "\x89PNG", 4, 0, "Png", "a libvips built with libspng or libpng"},
    {"WebP", "WEBP", 4, 8, "Webp", "a libvips built with libwebp"},
    {"GIF", "GIF8", 4, 0, "Nsgif", "a libvips built with cgif and libnsgif"},
    {"TIFF", "II*\0", 4, 0, "Tiff", "a libvips built with libtiff"},
    {"TIFF", "MM\0*", 4, 0, "Tiff", "a libvips built with libtiff"},
    {"PDF", "%PDF", 4, 0, "Pdf", "vips-poppler on Fedora and Alpine, a libvips built with poppler"},
};

const char *fov__packages_of(const char *format)
{
    for (size_t i = 0; i < FOV_N_ELEMENTS(formats); i++)
        if (!strcmp(format, formats[i].format))
            return formats[i].packages;
    return NULL;
}

bool fov__has_loader(const char *format)
{
    char name[60];
    for (size_t i = 0; i < FOV_N_ELEMENTS(formats); i++)
        if (!strcmp(format, formats[i].format) && formats[i].loader) {
            (void)g_snprintf(name, sizeof(name), "VipsForeignLoad%sSource", formats[i].loader);
            return g_type_from_name(name) != 0;
        }
    return true;
}

const char *fov__format_by_content(VipsSource *source)
{
    const unsigned char *const first = vips_source_sniff(source, 12);
    for (size_t i = 0; first && i < FOV_N_ELEMENTS(formats); i++)
        if (!memcmp(first + formats[i].at, formats[i].magic, formats[i].n))
            return formats[i].format;
    return NULL;
}
