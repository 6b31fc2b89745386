/* SPDX-License-Identifier: Apache-2.0 */
/* settings.c -- how the service is set up.
 *
 * The table settings.def is walked for the struct, for what a key may be and for what a reload
 * takes over.
 *
 * Threads: main. Owns: nothing. Trust: the file and the environment are an operator's.
 */
#include "server/settings.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static const struct setting {
    const char *name;
    bool is_text, reloads;
    int least, most, number;
    const char *text;
    size_t at;
} table[] = {
#define INT(name, least, most, fallback, reload, help)                                             \
    {#name, false, reload, least, most, fallback, NULL, offsetof(struct fov_settings, name)},
#define TEXT(name, fallback, reload, help)                                                         \
    {#name, true, reload, 0, 0, 0, fallback, offsetof(struct fov_settings, name)},
#include "server/settings.def"
#undef INT
#undef TEXT
};

/* Set one. `where` is "fovea.ini" or the variable, for sentences. */
static enum fov_code set(struct fov_settings *s, const struct setting *to, const char *value,
                         const char *where, struct fov_err *err)
{
    void *const at = (char *)s + to->at;
    double number;
    if (to->is_text) {
        if (strlen(value) >= FOV_SETTING_CHARS)
            return fov_fail(err, FOV_ECONFIG, "%s: %s is longer than %d bytes", where, to->name,
                            FOV_SETTING_CHARS - 1);
        (void)snprintf(at, FOV_SETTING_CHARS, "%s", value);
        return FOV_OK;
    }
    if (!fov_parse_real(value, to->least, to->most, &number) || number != (int)number)
        return fov_fail(err, FOV_ECONFIG, "%s: %s is %.40s; it is a whole number from %d to %d",
                        where, to->name, value, to->least, to->most);
    *(int *)at = (int)number;
    return FOV_OK;
}

struct reading {
    FILE *file;
    struct fov_settings *settings;
    const char *path;
    int line, why_line; /* that was read last; that `why` is of */
    struct fov_err why;
};

/* ini_reader: fgets() that counts. */
static char *next_line(char *to, int room, void *user)
{
    struct reading *const r = user;
    char *const line = fgets(to, room, r->file);
    r->line += line != NULL;
    return line;
}

/* What a line sets; FOV_OK also where it is another's. */
static enum fov_code set_by_name(struct reading *r, const char *key, const char *value,
                                 struct fov_err *err)
{
    const char *names[FOV_N_ELEMENTS(table)];
    for (size_t i = 0; i < FOV_N_ELEMENTS(table); i++) {
        names[i] = table[i].name;
        if (!strcmp(key, table[i].name))
            return set(r->settings, &table[i], value, r->path, err);
    }
    const char *const near = fov_nearest(key, names, (int)FOV_N_ELEMENTS(table));
    return fov_fail(err, FOV_ECONFIG, "%s: [serve] has no setting '%.40s'%s%s%s", r->path, key,
                    near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

/* ini_handler: nonzero is fine. */
static int on_line(void *user, const char *section, const char *key, const char *value)
{
    struct reading *const r = user;
    if (strcmp(section, "serve") != 0)
        return 1;
    if (!r->why_line && set_by_name(r, key, value, &r->why))
        r->why_line = r->line;
    return !r->why_line;
}

/* inih goes on after an error, and tells the line of the first: the sentence must be of it, too. */
static enum fov_code read_file(struct reading *r, struct fov_err *err)
{
    if (!(r->file = fopen(r->path, "re")))
        return fov_fail(err, FOV_ECONFIG, "%s: cannot read it: %s", r->path, strerror(errno));
    const int line = ini_parse_stream(next_line, r, on_line, r);
    const bool is_read = !ferror(r->file);
    const int why = errno;
    (void)fclose(r->file);
    if (!is_read || line < 0)
        return fov_fail(err, FOV_ECONFIG, "%s: cannot read it: %s", r->path,
                        strerror(is_read ? ENOMEM : why));
    if (line && line == r->why_line)
        return fov_fail(err, FOV_ECONFIG, "%s (line %d)", r->why.text, line);
    return line ? fov_fail(err, FOV_ECONFIG, "%s: neither [section] nor key = value (line %d)",
                           r->path, line)
                : FOV_OK;
}

static enum fov_code read_environment(struct fov_settings *s, struct fov_err *err)
{
    for (size_t i = 0; i < FOV_N_ELEMENTS(table); i++) {
        char name[80] = "FOVEA_SERVE_";
        const size_t begins = strlen(name);
        for (size_t c = 0; table[i].name[c]; c++)
            name[begins + c] = (char)toupper((unsigned char)table[i].name[c]);
        const char *const value = getenv(name);
        const enum fov_code rc = value ? set(s, &table[i], value, name, err) : FOV_OK;
        if (rc)
            return rc;
    }
    return FOV_OK;
}

enum fov_code fov_settings_read(const char *path, struct fov_settings *ret_settings,
                                struct fov_err *err)
{
    struct fov_settings s = {0};
    struct reading r = {.settings = &s, .path = path};
    for (size_t i = 0; i < FOV_N_ELEMENTS(table); i++) {
        void *const at = (char *)&s + table[i].at;
        if (!table[i].is_text)
            *(int *)at = table[i].number;
        else if (table[i].text)
            (void)snprintf(at, FOV_SETTING_CHARS, "%s", table[i].text);
    }
    enum fov_code rc = path ? read_file(&r, err) : FOV_OK;
    if (!rc && !(rc = read_environment(&s, err)))
        *ret_settings = s;
    return rc;
}

void fov_settings_reload(struct fov_settings *now, const struct fov_settings *next)
{
    for (size_t i = 0; i < FOV_N_ELEMENTS(table); i++)
        if (table[i].reloads)
            memcpy((char *)now + table[i].at, (const char *)next + table[i].at,
                   table[i].is_text ? FOV_SETTING_CHARS : sizeof(int));
}
