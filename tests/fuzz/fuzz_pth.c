/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_pth.c -- any bytes as a file of torch.save(): a sentence or a network, never a crash.
 *
 * libFuzzer's entry. Bytes that are neither of the two forms are tried as the pickle inside them,
 * which a fuzzer reaches faster so.
 */
#include <stdint.h>

#include "net/pickle.h"
#include "net/zip.h"
#include "tests/fuzz/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* Every value once, without following what they hold. */
static void fuzz_pickle(const uint8_t *data, size_t bytes)
{
    struct fov_pickle *pickle;
    struct fov_pickle_value item;
    struct fov_err err = {0};
    size_t used;
    if (fov_pickle_open(data, bytes, "fuzz", &pickle, &used, &err)) {
        fuzz_failed(&err);
        return;
    }
    if (used > bytes)
        __builtin_trap();
    for (uint32_t i = fov_pickle_first(pickle, fov_pickle_root(pickle));
         fov_pickle_next(pickle, &i, &item);)
        (void)fov_pickle_is_text(item, "weight");
    for (size_t i = 0; i < fov_pickle_n_storages(pickle); i++)
        (void)fov_pickle_items(pickle, fov_pickle_storage_at(pickle, i), 1, &item);
    fov_pickle_close(pickle);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct fov_weights *file;
    struct fov_err err = {0};
    if (fov_weights_parse(data, bytes, "fuzz", &file, &err)) {
        fuzz_failed(&err);
        if (!fov_zip_matches(data, bytes))
            fuzz_pickle(data, bytes);
    } else {
        fuzz_model(file);
    }
    return 0;
}
