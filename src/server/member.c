/* SPDX-License-Identifier: Apache-2.0 */
/* member.c -- members of a JSON object, each with its sentence when it is something else.
 *
 * Threads: any. Owns: nothing. Trust: the values come from outside; their texts are UTF-8 without
 * NUL, which jansson proves.
 */
#include "server/member.h"

#include "base/mem.h"

json_t *fov_member(const json_t *object, const char *key)
{
    json_t *const value = json_object_get(object, key);
    return json_is_null(value) ? NULL : value;
}

enum fov_code fov_member_text(const json_t *object, const char *prefix, const char *key,
                              const char **ret_text, struct fov_err *err)
{
    const json_t *const value = fov_member(object, key);
    if (value && !json_is_string(value))
        return fov_fail(err, FOV_EUSAGE, "%s%s is not a text", prefix, key);
    if (value)
        *ret_text = json_string_value(value);
    return FOV_OK;
}

enum fov_code fov_member_flag(const json_t *object, const char *prefix, const char *key,
                              bool *ret_flag, struct fov_err *err)
{
    const json_t *const value = fov_member(object, key);
    if (value && !json_is_boolean(value))
        return fov_fail(err, FOV_EUSAGE, "%s%s is neither true nor false", prefix, key);
    if (value)
        *ret_flag = json_is_true(value);
    return FOV_OK;
}

enum fov_code fov_member_object(const json_t *object, const char *prefix, const char *key,
                                json_t **ret_object, struct fov_err *err)
{
    json_t *const value = fov_member(object, key);
    if (value && !json_is_object(value))
        return fov_fail(err, FOV_EUSAGE, "%s%s is not an object", prefix, key);
    if (value)
        *ret_object = value;
    return FOV_OK;
}

enum fov_code fov_member_copy(const json_t *object, const char *prefix, const char *key,
                              char **ret_copy, struct fov_err *err)
{
    const char *text = NULL;
    char *copy = NULL;
    const enum fov_code rc = fov_member_text(object, prefix, key, &text, err);
    if (rc)
        return rc;
    if (text && !(copy = fov_strdup(text)))
        return fov_fail(err, FOV_ENOMEM, "no memory for %s%s", prefix, key);
    if (copy)
        *ret_copy = copy;
    return FOV_OK;
}
