/* SPDX-License-Identifier: Apache-2.0 */
/* op_compress_to_size.c -- how large the file may be; save.c sees to it.
 *
 * Threads: any. Owns: nothing. Trust: parameters were checked.
 */
#include "image/chain.h"

enum fov_code fov__op_compress_to_size(struct fov_chain *c, const struct fov_op_compress_to_size *o,
                                       struct fov_err *err)
{
    (void)err;
    c->outcome->max_bytes = o->max_file_size_in_bytes;
    return FOV_OK;
}
