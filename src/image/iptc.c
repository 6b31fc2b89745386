/* SPDX-License-Identifier: Apache-2.0 */
/* iptc.c -- IPTC as a format holds it: bare in TIFF, within Photoshop's resources in JPEG.
 *
 * libvips hands on what it read, so that IPTC of a JPEG is wrong in a TIFF, and the other way. To
 * libtiff it gives a quarter of the number of bytes, as if they were words, and libtiff counts
 * bytes: a quarter arrives. So a TIFF's are followed by three times as many zeros, which are cut
 * off like that, or stay behind the end of IPTC where libvips does better.
 *
 *   "Photoshop 3.0" 0;  resource: "8BIM", id, name (its length first, even in all), length, data
 *
 * Threads: any. Owns: nothing. Trust: every byte comes from a file.
 */
#include <string.h>

#include "image/vimage.h"

static const char photoshop[] = "Photoshop 3.0"; /* with its end */
static const uint8_t iptc_resource[] = {'8', 'B', 'I', 'M', 4, 4};

enum { IPTC = 0x0404, HEAD = 12 /* of a resource without a name */ };

static size_t number(const uint8_t *at, int n_bytes)
{
    size_t v = 0;
    for (int i = 0; i < n_bytes; i++)
        v = v << 8 | at[i];
    return v;
}

/* The IPTC among resources, or NULL. */
static const uint8_t *find(const uint8_t *p, size_t n, size_t *ret_n)
{
    size_t at = sizeof(photoshop);
    while (at < n && n - at >= HEAD && !memcmp(p + at, "8BIM", 4)) {
        const size_t id = number(p + at + 4, 2);
        const size_t data = at + HEAD + (size_t)p[at + 6] / 2 * 2;
        const size_t length = data <= n ? number(p + data - 4, 4) : n;
        if (data > n || length > n - data)
            return NULL;
        if (id == IPTC) {
            *ret_n = length;
            return p + data;
        }
        at = data + length + (length & 1);
    }
    return NULL;
}

void fov__fit_iptc(VipsImage *image, bool within_photoshop)
{
    const void *blob;
    size_t n;
    if (!vips_image_get_typeof(image, VIPS_META_IPTC_NAME) ||
        vips_image_get_blob(image, VIPS_META_IPTC_NAME, &blob, &n))
        return;
    const bool is_within = n >= sizeof(photoshop) && !memcmp(blob, photoshop, sizeof(photoshop));
    if (is_within && within_photoshop)
        return;
    const uint8_t *iptc = blob;
    if (is_within && !(iptc = find(blob, n, &n))) {
        vips_image_remove(image, VIPS_META_IPTC_NAME);
        return;
    }
    const size_t before = within_photoshop ? sizeof(photoshop) + HEAD : 0;
    const size_t all = within_photoshop ? before + n + (n & 1) : 4 * n;
    uint8_t *const fitted = g_malloc0(all); /* bounded by the file's own */
    if (before) {
        for (size_t i = 0; i < sizeof(photoshop); i++)
            fitted[i] = (uint8_t)photoshop[i];
        memcpy(fitted + sizeof(photoshop), iptc_resource, sizeof(iptc_resource));
        for (size_t i = 0; i < 4; i++)
            fitted[before - 4 + i] = (uint8_t)(n >> (24 - 8 * i));
    }
    memcpy(fitted + before, iptc, n);
    vips_image_set_blob(image, VIPS_META_IPTC_NAME, (VipsCallbackFn)vips_area_free_cb, fitted, all);
}
