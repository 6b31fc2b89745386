/* SPDX-License-Identifier: Apache-2.0 */
/* engine.h -- what the program's own parts may do with an engine, beyond fovea/fovea.h. */
#ifndef FOV_NET_ENGINE_H
#define FOV_NET_ENGINE_H

#include "fovea/fovea.h"

/* Let no more than `n` threads compute, of those it was opened for. Before its first stream. */
void fov_engine_limit(struct fov_engine *engine, int n);

#endif
