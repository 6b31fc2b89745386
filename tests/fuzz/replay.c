/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c -- run a fuzzer's entry over files, without a fuzzer: every seed and every bug ever
 * found.
 *
 * usage: replay FOLDER; a failure is a crash, a trap or a sanitizer's report, with the file named.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>

#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { MAX_BYTES = 1 << 20 };

static int run_file(const char *folder, const char *name)
{
    static unsigned char room[MAX_BYTES];
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *const f = fopen(path, "rb");
    if (!f) {
        perror(path);
        return 1;
    }
    const size_t bytes = fread(room, 1, sizeof(room), f);
    (void)fclose(f);
    printf("%s\n", path);
    (void)fflush(stdout);

    /* a copy of the exact size, so that a sanitizer sees one byte too far */
    unsigned char *const copy = fov_calloc(bytes, 1);
    if (!copy)
        return 1;
    for (size_t i = 0; i < bytes; i++)
        copy[i] = room[i];
    (void)LLVMFuzzerTestOneInput(copy, bytes);
    fov_free(copy);
    return 0;
}

int main(int argc, char **argv)
{
    int n = 0, failed = 0;
    DIR *const folder = argc == 2 ? opendir(argv[1]) : NULL;
    if (!folder) {
        fprintf(stderr, "usage: replay FOLDER\n");
        return 2;
    }
    for (const struct dirent *e; (e = readdir(folder));)
        if (e->d_name[0] != '.') {
            failed |= run_file(argv[1], e->d_name);
            n++;
        }
    closedir(folder);
    return failed || n == 0;
}
