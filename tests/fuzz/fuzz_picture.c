/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_picture.c -- any bytes as a picture: described, loaded and saved in one of the formats, or
 * refused with a sentence that names the file, which leaves nothing behind.
 *
 * libFuzzer's entry. What libvips's decoders and encoders do is part of it.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "image/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);
const char *__asan_default_options(void);

enum { MAX_PIXELS = 1 << 14 };

static const char folder_in[] = "/proc/self/fd/", out_begins[] = "/tmp/fuzz_picture-";

/* Fonts and colour profiles are kept by libraries below until the process ends. */
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

#define need(holds)                                                                                \
    do {                                                                                           \
        if (!(holds)) {                                                                            \
            (void)fprintf(stderr, "line %d: %s\n", __LINE__, err.text);                            \
            __builtin_trap();                                                                      \
        }                                                                                          \
    } while (0)

/* A sentence that names a file. */
static void check_failure(enum fov_code rc, struct fov_err err)
{
    need(err.code == rc && (strstr(err.text, folder_in) || strstr(err.text, out_begins)));
    need(rc == FOV_EFORMAT || rc == FOV_EKIND || rc == FOV_ELIMIT);
}

/* Save; the result can be loaded and has the size. */
static void save(const struct fov_image *image, size_t choice)
{
    static const char *const suffixes[] = {"png", "jpg", "webp", "tiff", "gif"};
    const struct fov_save_options options = {.replace = true, .keep = choice / 5 % FOV_N_KEEPS};
    const struct fov_load_options load = {.page = -1, .all_frames = true};
    struct fov_image_info want, got;
    struct fov_image *again;
    struct fov_err err = {0};
    char path[80];

    (void)snprintf(path, sizeof(path), "%s%d.%s", out_begins, (int)getpid(), suffixes[choice % 5]);
    const enum fov_code rc = fov_image_save(image, path, &options, &err);
    if (rc) {
        need(access(path, F_OK) != 0); /* nothing is left */
        check_failure(rc, err);
        return;
    }
    need(fov_image_load(path, &load, &again, &err) == FOV_OK);
    fov_image_get_info(image, &want);
    fov_image_get_info(again, &got);
    need(got.width_px == want.width_px);
    fov_image_free(again);
    need(!unlink(path));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static bool started;
    struct fov_load_options options = {.max_pixels = MAX_PIXELS, .page = -1, .all_frames = true};
    struct fov_image *image;
    struct fov_err err = {0};
    char path[40];

    need(started || !fov_image_start("fuzz_picture", 1, NULL, &err));
    started = true;
    if (bytes < 2)
        return 0;
    const int fd = memfd_create("picture", MFD_CLOEXEC);
    need(fd >= 0 && write(fd, data + 1, bytes - 1) == (ssize_t)bytes - 1);
    (void)snprintf(path, sizeof(path), "%s%d", folder_in, fd);

    options.header_only = data[0] & 1;
    const enum fov_code rc = fov_image_load(path, &options, &image, &err);
    if (rc)
        check_failure(rc, err);
    if (!rc && !options.header_only)
        save(image, data[0] >> 1);
    if (!rc)
        fov_image_free(image);
    (void)close(fd);
    return 0;
}
