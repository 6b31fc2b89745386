/* SPDX-License-Identifier: Apache-2.0 */
/* member.h -- members of a JSON object, each with its sentence when it is something else.
 *
 * `prefix` is the path of the object, "file." or "", with which a sentence names the member. A null
 * is the same as no member, as some clients send one for what they leave out.
 */
#ifndef FOV_SERVER_MEMBER_H
#define FOV_SERVER_MEMBER_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

/* The member, which lives as long as `object`, or NULL. */
json_t *fov_member(const json_t *object, const char *key);

/* Its text, its truth, or itself as an object; when there is none, *ret_x is left as it is.
 * FOV_EUSAGE for a value of another type. Texts and objects live as long as `object`. */
FOV_CHECKED enum fov_code fov_member_text(const json_t *object, const char *prefix, const char *key,
                                          const char **ret_text, struct fov_err *err);
FOV_CHECKED enum fov_code fov_member_flag(const json_t *object, const char *prefix, const char *key,
                                          bool *ret_flag, struct fov_err *err);
FOV_CHECKED enum fov_code fov_member_object(const json_t *object, const char *prefix,
                                            const char *key, json_t **ret_object,
                                            struct fov_err *err);

/* The same as fov_member_text(), but gives a copy; free it with fov_free(). FOV_ENOMEM as well. */
FOV_CHECKED enum fov_code fov_member_copy(const json_t *object, const char *prefix, const char *key,
                                          char **ret_copy, struct fov_err *err);

#endif
