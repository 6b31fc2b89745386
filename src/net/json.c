/* SPDX-License-Identifier: Apache-2.0 */
/* json.c -- just enough JSON to read the header of a model file.
 *
 * Threads: one a cursor. Owns: nothing. Trust: all of the text comes from outside.
 * See: RFC 8259.
 */
#include "net/json.h"

static void skip_space(struct fov_json *j)
{
    while (j->at < j->end && (*j->at == ' ' || *j->at == '\t' || *j->at == '\n' || *j->at == '\r'))
        j->at++;
}

bool fov_json_take(struct fov_json *j, char c)
{
    skip_space(j);
    if (j->at >= j->end || *j->at != c)
        return false;
    j->at++;
    return true;
}

bool fov_json_at_end(struct fov_json *j)
{
    skip_space(j);
    return j->at == j->end;
}

static bool hex4(struct fov_json *j, uint32_t *ret)
{
    uint32_t v = 0;
    if (j->end - j->at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        const char c = *j->at++;
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0)
            return false;
        v = v << 4 | (uint32_t)digit;
    }
    *ret = v;
    return true;
}

static void put_utf8(struct fov_json *j, uint32_t c)
{
    if (c < 0x80) {
        *j->out++ = (char)c;
    } else if (c < 0x800) {
        *j->out++ = (char)(0xc0 | c >> 6);
        *j->out++ = (char)(0x80 | (c & 63));
    } else if (c < 0x10000) {
        *j->out++ = (char)(0xe0 | c >> 12);
        *j->out++ = (char)(0x80 | (c >> 6 & 63));
        *j->out++ = (char)(0x80 | (c & 63));
    } else {
        *j->out++ = (char)(0xf0 | c >> 18);
        *j->out++ = (char)(0x80 | (c >> 12 & 63));
        *j->out++ = (char)(0x80 | (c >> 6 & 63));
        *j->out++ = (char)(0x80 | (c & 63));
    }
}

/* What follows a backslash and 'u'; a pair of surrogates is one character. */
static bool unicode_escape(struct fov_json *j)
{
    uint32_t c, low;
    if (!hex4(j, &c) || c == 0 || (c >= 0xdc00 && c < 0xe000))
        return false;
    if (c >= 0xd800 && c < 0xdc00) {
        if (j->end - j->at < 2 || j->at[0] != '\\' || j->at[1] != 'u')
            return false;
        j->at += 2;
        if (!hex4(j, &low) || low < 0xdc00 || low >= 0xe000)
            return false;
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    put_utf8(j, c);
    return true;
}

static bool escape(struct fov_json *j)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (j->at >= j->end)
        return false;
    const char c = *j->at++;
    if (c == 'u')
        return unicode_escape(j);
    for (int i = 0; from[i]; i++)
        if (c == from[i]) {
            *j->out++ = to[i];
            return true;
        }
    return false;
}

bool fov_json_string(struct fov_json *j, const char **ret_text)
{
    const char *const text = j->out;
    if (!fov_json_take(j, '"'))
        return false;
    while (j->at < j->end && *j->at != '"') {
        const char c = *j->at++;
        if ((unsigned char)c < ' ')
            return false;
        if (c != '\\')
            *j->out++ = c;
        else if (!escape(j))
            return false;
    }
    if (j->at >= j->end)
        return false;
    j->at++;
    *j->out++ = '\0'; /* takes the place of the closing quote */
    *ret_text = text;
    return true;
}

bool fov_json_size(struct fov_json *j, size_t *ret_n)
{
    skip_space(j);
    const char *const start = j->at;
    size_t n = 0;
    for (; j->at < j->end && *j->at >= '0' && *j->at <= '9'; j->at++)
        if (__builtin_mul_overflow(n, (size_t)10, &n) ||
            __builtin_add_overflow(n, (size_t)(*j->at - '0'), &n))
            return false;
    if (j->at == start || (*start == '0' && j->at - start > 1))
        return false;
    *ret_n = n;
    return true;
}
