/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_ncnn.c -- any bytes as the two files of an ncnn network: a sentence or a network, never a
 * crash.
 *
 * libFuzzer's entry. The first NUL ends the .param file, which is text; the .bin file follows.
 */
#include <stdint.h>
#include <string.h>

#include "tests/fuzz/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct fov_weights *file;
    struct fov_err err = {0};
    const uint8_t *const end = bytes ? memchr(data, '\0', bytes) : NULL;
    const size_t param_bytes = end ? (size_t)(end - data) : bytes;
    const size_t begin = end ? param_bytes + 1 : bytes;
    if (fov_weights_parse_ncnn(data, param_bytes, data + begin, bytes - begin, "fuzz", &file, &err))
        fuzz_failed(&err);
    else
        fuzz_model(file);
    return 0;
}
