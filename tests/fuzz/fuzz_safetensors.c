/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_safetensors.c -- any bytes as a model file: a sentence or a network, never a crash.
 *
 * libFuzzer's entry. The format is told by the content, so that any other may come up as well; the
 * name decides who complains when none is recognised.
 */
#include <stdint.h>

#include "tests/fuzz/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct fov_weights *file;
    struct fov_err err = {0};
    if (fov_weights_parse(data, bytes, "fuzz.safetensors", &file, &err))
        fuzz_failed(&err);
    else
        fuzz_model(file);
    return 0;
}
