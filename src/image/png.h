/* SPDX-License-Identifier: Apache-2.0 */
/* png.h -- write PNG, row by row: header, metadata, rows, end.
 *
 *     png = fov_png_open(&info, write, user);
 *     fov_png_begin(png) && fov_png_profile(png, ...) && fov_png_text(png, ...)
 *     fov_png_row(png, row) for each row, from the top
 *     fov_png_end(png)
 *     fov_png_close(png)
 *
 * Memory is taken by fov_png_open(): some 500 KB and three rows. Every other function says false
 * when `write` did, and nothing may follow then but fov_png_close(); those that put metadata also
 * when there is no memory for it, which fov_png_no_memory() tells.
 */
#ifndef FOV_IMAGE_PNG_H
#define FOV_IMAGE_PNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fov_png;

struct fov_png_info {
    int width_px, height_px;
    int n_channels; /* 1: grey, 2: with alpha, 3: RGB, 4: with alpha */
    int n_bits;     /* of a sample: 8 or 16 */
};

/* Write all n bytes, or say false. */
typedef bool fov_png_write_fn(void *user, const void *bytes, size_t n);

/* Gives a writer, or NULL without memory; end it with fov_png_close(). */
struct fov_png *fov_png_open(const struct fov_png_info *info, fov_png_write_fn *write, void *user);
void fov_png_close(struct fov_png *png); /* NULL is fine */

/* Signature and header. */
bool fov_png_begin(struct fov_png *png);

/* An ICC profile. One that PNG forbids here, of another colour space or none at all, is left out.
 */
bool fov_png_profile(struct fov_png *png, const void *icc, size_t n);

bool fov_png_resolution(struct fov_png *png, uint32_t x_px_per_m, uint32_t y_px_per_m);

/* EXIF from its TIFF header on, brought up to date: upright, of this size, of the resolution that
 * was put before it, and without a thumbnail. */
bool fov_png_exif(struct fov_png *png, const void *tiff, size_t n);

/* Text under a keyword of 1 to 79 bytes; others are left out. Compressed unless `plain`. */
bool fov_png_text(struct fov_png *png, const char *keyword, const char *text, size_t n, bool plain);

/* The next row: samples in the order of this machine. */
bool fov_png_row(struct fov_png *png, const void *samples);

/* What is left, after the last row. */
bool fov_png_end(struct fov_png *png);

bool fov_png_no_memory(const struct fov_png *png);

#endif
