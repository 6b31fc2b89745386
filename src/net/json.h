/* SPDX-License-Identifier: Apache-2.0 */
/* json.h -- just enough JSON to read the header of a model file, and nothing that can surprise.
 *
 * net/ sees libc only, and a header is one flat object of small objects: a cursor that steps from
 * token to token is a tenth of a general parser and cannot recurse. Strict: what RFC 8259 does not
 * allow is an error. */
#ifndef FOV_NET_JSON_H
#define FOV_NET_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fov_json {
    const char *at, *end;
    char *out; /* decoded strings go here; never longer than the text they come from */
};

/* Step over white space and the character `c`; false, with the white space gone, when something
 * else stands there. */
bool fov_json_take(struct fov_json *j, char c);

/* A string, decoded to UTF-8 in j->out and ended with NUL; \u0000 is refused. */
bool fov_json_string(struct fov_json *j, const char **ret_text);

/* A whole number from 0 to SIZE_MAX. */
bool fov_json_size(struct fov_json *j, size_t *ret_n);

/* Only white space is left. */
bool fov_json_at_end(struct fov_json *j);

#endif
