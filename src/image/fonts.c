/* SPDX-License-Identifier: Apache-2.0 */
/* fonts.c -- what the text of a drawing is drawn with.
 *
 * Threads: before pictures. Owns: nothing. Trust: fontconfig's view of this system.
 */
#include <fontconfig/fontconfig.h>
#include <string.h>

#include "image/vimage.h"

void fov_image_each_font(fov_font_fn *fn, void *user)
{
    const FcFontSet *const set = FcConfigGetFonts(NULL, FcSetSystem);
    FcChar8 *path;
    for (int i = 0; set && i < set->nfont; i++)
        if (FcPatternGetString(set->fonts[i], FC_FILE, 0, &path) == FcResultMatch)
            fn(user, (const char *)path);
}

bool fov_image_may_be_drawing(const unsigned char *first, size_t n)
{
    static const unsigned char gzip[] = {0x1f, 0x8b};
    static const unsigned char passed[] = {0xef, 0xbb, 0xbf, ' ', '\t', '\r', '\n'};
    if (n >= 2 && !memcmp(first, gzip, 2))
        return true;
    for (size_t i = 0; i < n; i++)
        if (first[i] == '<')
            return true;
        else if (!memchr(passed, first[i], sizeof(passed)))
            return false;
    return false;
}
