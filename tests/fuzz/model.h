/* SPDX-License-Identifier: Apache-2.0 */
/* model.h -- what every fuzzer of model files does with a file that was read. */
#ifndef FOV_TESTS_FUZZ_MODEL_H
#define FOV_TESTS_FUZZ_MODEL_H

#include "net/weights.h"

/* Go as far as a model does: read every tensor, recognise the network, pack its weights. Takes
 * `file`. */
void fuzz_model(struct fov_weights *file);

/* A failure must say why; ends the process when it does not. */
void fuzz_failed(const struct fov_err *err);

#endif
