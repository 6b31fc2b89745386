/* SPDX-License-Identifier: Apache-2.0 */
/* op_convert.c -- choose the file format; pixels stay as they are.
 *
 * Threads: any. Owns: nothing. Trust: parameters were checked.
 */
#include "image/chain.h"

enum fov_code fov__op_convert(struct fov_chain *c, const struct fov_op_convert *o,
                              struct fov_err *err)
{
    const struct fov_format *format;
    c->outcome->quality = o->quality < 0 ? 0 : o->quality;
    return fov__format_at(o->format, &format, err);
}
