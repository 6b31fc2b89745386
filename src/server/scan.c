/* SPDX-License-Identifier: Apache-2.0 */
/* scan.c -- find the one large text in a body, file.base64, before anything copies it.
 *
 * A parser would copy 50 MB of base64 twice, and prove that it is UTF-8, to hand it to a decoder
 * that proves more. So the body is walked once for its strings and brackets alone. That is enough,
 * and cannot be tricked: all but the inside of one string goes on to a parser as it is. If the
 * parser takes that for JSON, it saw the same strings, and the one that was emptied is the value of
 * that very member; if it does not, the body is refused.
 *
 * Strings are crossed by memchr() for quotes and backslashes, each byte at most twice.
 * Threads: any. Owns: nothing. Trust: every byte comes from outside.
 */
#include "server/scan.h"

#include <string.h>

/* The quote that ends the string whose inside begins at `p`, or NULL. */
static const char *string_end(const char *p, const char *end)
{
    const char *quote = memchr(p, '"', (size_t)(end - p));
    while (quote) {
        const char *const escape = memchr(p, '\\', (size_t)(quote - p));
        if (!escape)
            return quote;
        p = escape + 2;
        if (p > quote) /* the quote was escaped */
            quote = memchr(p, '"', (size_t)(end - p));
    }
    return NULL;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One escape, its backslash at `p`, `n` bytes to the end. Gives the character; returns how many
 * bytes it took, or 0 when it is none. */
static size_t read_escape(const char *p, size_t n, char *ret_c)
{
    static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    unsigned code = 0;
    if (n < 2)
        return 0;
    const char *const name = memchr(names, p[1], sizeof(names) - 1);
    if (name) {
        *ret_c = meant[name - names];
        return 2;
    }
    if (p[1] != 'u' || n < 6)
        return 0;
    for (int i = 2; i < 6; i++) {
        const int digit = hex_digit(p[i]);
        if (digit < 0)
            return 0;
        code = code << 4 | (unsigned)digit;
    }
    *ret_c = (char)(code < 0x80 ? code : 0x80);
    return 6;
}

bool fov_scan_unescape(char *text, size_t n, size_t *ret_n)
{
    const char *in = text, *const end = text + n;
    char *out = text;
    while (in < end) {
        const char *const escape = memchr(in, '\\', (size_t)(end - in));
        const size_t plain = (size_t)((escape ? escape : end) - in);
        if (out != in)
            memmove(out, in, plain);
        out += plain;
        in += plain;
        if (!escape)
            break;
        const size_t took = read_escape(in, (size_t)(end - in), out);
        if (!took)
            return false;
        in += took;
        out++;
    }
    *ret_n = (size_t)(out - text);
    return true;
}

/* Is a key, as it was written, this one? */
static bool is_key(const char *key, size_t n, const char *name)
{
    char plain[40];            /* six bytes for each letter of the longest name */
    if (!memchr(key, '\\', n)) /* nearly always */
        return n == strlen(name) && !memcmp(key, name, n);
    if (n > sizeof(plain))
        return false;
    memcpy(plain, key, n);
    return fov_scan_unescape(plain, n, &n) && n == strlen(name) && !memcmp(plain, name, n);
}

struct walk {
    const char *at, *end;
    int depth;
    bool is_file; /* the last key of the outermost object was "file" */
    bool is_next; /* the next value is file.base64 */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A string, which a colon makes a key. Is it file.base64? Gives where it lies then. */
static bool cross_string(struct walk *w, const char **ret_begin, size_t *ret_n)
{
    const char *const begin = w->at, *const quote = string_end(begin, w->end);
    if (!quote) { /* the parser will say where it began */
        w->at = w->end;
        return false;
    }
    w->at = quote + 1;
    while (w->at < w->end && is_blank(*w->at))
        w->at++;
    const size_t n = (size_t)(quote - begin);
    if (w->at < w->end && *w->at == ':') {
        if (w->depth == 1)
            w->is_file = is_key(begin, n, "file");
        w->is_next = w->depth == 2 && w->is_file && is_key(begin, n, "base64");
        return false;
    }
    *ret_begin = begin;
    *ret_n = n;
    return w->is_next;
}

enum fov_code fov_scan(const char *text, size_t n, const char *what, struct fov_scan *ret_scan,
                       struct fov_err *err)
{
    struct walk w = {.at = text, .end = text + n};
    struct fov_scan found = {0};
    const char *begin;

    while (w.at < w.end) {
        const char c = *w.at++;
        if (c == '"') {
            if (!cross_string(&w, &begin, &n))
                continue;
            if (found.is_found)
                return fov_fail(err, FOV_EUSAGE, "%s has file.base64 twice", what);
            found = (struct fov_scan){.is_found = true, .at = (size_t)(begin - text), .n = n};
        } else if (c == '{' || c == '[') {
            if (++w.depth > FOV_SCAN_MAX_DEPTH)
                return fov_fail(err, FOV_EUSAGE, "%s is nested deeper than %d levels", what,
                                FOV_SCAN_MAX_DEPTH);
        } else if (c == '}' || c == ']') {
            w.depth--;
        } else if (c != ',') {
            continue;
        }
        w.is_next = false;
    }
    *ret_scan = found;
    return FOV_OK;
}
