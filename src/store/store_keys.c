/* SPDX-License-Identifier: Apache-2.0 */
/* store_keys.c -- keys: made, found, listed, revoked.
 *
 * A key is 190 bits of chance, so one SHA-256 keeps it; a slow hash is for what people think up.
 *
 * Threads: any. Trust: names and keys are a user's, and are bound to statements, never part of
 * their text.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "store/sqlite.h"
#include "store/store.h"

static enum fov_code hash(const char *text, uint8_t to[FOV_HASH_BYTES], struct fov_err *err)
{
    unsigned n = FOV_HASH_BYTES;
    return EVP_Digest(text, strlen(text), to, &n, EVP_sha256(), NULL) == 1
               ? FOV_OK
               : fov_fail(err, FOV_EINTERNAL, "a key cannot be hashed");
}

enum fov_code fov__check_name(const char *name, const char *what, struct fov_err *err)
{
    const size_t n = strlen(name);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)name[i] < ' ')
            return fov_fail(err, FOV_EUSAGE, "the name of a %s is one line", what);
    if (!fov_is_utf8(name))
        return fov_fail(err, FOV_EUSAGE, "the name of a %s is UTF-8", what);
    return n >= 1 && n <= FOV_NAME_CHARS
               ? FOV_OK
               : fov_fail(err, FOV_EUSAGE, "the name of a %s has 1 to %d bytes", what,
                          FOV_NAME_CHARS);
}

#define KEY_COLUMNS                                                                                \
    "key.id, prefix, key.name, project.name, created_s, revoked_s, key.n_used, hash, project.id"   \
    " FROM key JOIN project ON project.id = key.project "

static void read_key(sqlite3_stmt *from, struct fov_key *key)
{
    *key = (struct fov_key){.id = sqlite3_column_int64(from, 0),
                            .created_s = sqlite3_column_int64(from, 4),
                            .revoked_s = sqlite3_column_int64(from, 5),
                            .n_used = sqlite3_column_int64(from, 6),
                            .project_id = sqlite3_column_int64(from, 8)};
    fov__db_text(key->prefix, sizeof(key->prefix), from, 1);
    fov__db_text(key->name, sizeof(key->name), from, 2);
    fov__db_text(key->project, sizeof(key->project), from, 3);
}

static enum fov_code insert_key(struct fov_store *s, const char *name, const char *project,
                                const char *text, struct fov_key *key, struct fov_err *err)
{
    uint8_t digest[FOV_HASH_BYTES];
    enum fov_code rc;
    *key = (struct fov_key){.created_s = time(NULL)};
    sqlite3_snprintf(sizeof(key->prefix), key->prefix, "%s", text);
    sqlite3_snprintf(sizeof(key->name), key->name, "%s", name);
    sqlite3_snprintf(sizeof(key->project), key->project, "%s", project);
    if ((rc = hash(text, digest, err)) ||
        (rc = fov__db_run(s, NULL, err, "INSERT OR IGNORE INTO project(name) VALUES(?)", "s",
                          project)) ||
        (rc = fov__db_run(s, &key->id, err,
                          "INSERT INTO key(prefix, hash, name, project, created_s) VALUES(?, ?, ?,"
                          " (SELECT id FROM project WHERE name = ?), ?) RETURNING id",
                          "shssi", key->prefix, digest, name, project, key->created_s)) ||
        (rc = fov__db_run(s, &key->project_id, err, "SELECT project FROM key WHERE id = ?", "i",
                          key->id)))
        return rc;
    return FOV_OK;
}

enum fov_code fov_store_key_create(struct fov_store *s, const char *name, const char *project,
                                   char text[FOV_KEY_CHARS + 1], struct fov_key *ret_key,
                                   struct fov_err *err)
{
    enum fov_code rc;
    if ((rc = fov__check_name(name, "key", err)) ||
        (rc = fov__check_name(project, "project", err)) ||
        (rc = fov__invent("fov_", FOV_KEY_CHARS, text, err)) || (rc = fov__db_begin(s, err)))
        return rc;
    return fov__db_end(s, insert_key(s, name, project, text, ret_key, err), err);
}

enum fov_code fov_store_key_find(struct fov_store *s, const char *text, struct fov_key *ret_key,
                                 struct fov_err *err)
{
    static const uint8_t none[FOV_HASH_BYTES];
    FOV_AUTO(fov__db_finalize_at) sqlite3_stmt *statement = NULL;
    uint8_t digest[FOV_HASH_BYTES];
    char prefix[FOV_PREFIX_CHARS + 1];
    bool found = false;
    enum fov_code rc;

    sqlite3_snprintf(sizeof(prefix), prefix, "%s", text);
    if ((rc = hash(text, digest, err)))
        return rc;
    sqlite3_mutex_enter(s->lock);
    if (!(rc = fov__db_prepare(s, &statement, err, "SELECT " KEY_COLUMNS "WHERE prefix = ?", "s",
                               prefix)))
        rc = fov__db_step(s, statement, &found, err);
    const void *const kept = found ? sqlite3_column_blob(statement, 7) : NULL;
    const bool whole = found && sqlite3_column_bytes(statement, 7) == FOV_HASH_BYTES;
    const bool same = !CRYPTO_memcmp(whole ? kept : none, digest, FOV_HASH_BYTES) && whole;
    if (same)
        read_key(statement, ret_key);
    sqlite3_finalize(FOV_STEAL(statement));
    sqlite3_mutex_leave(s->lock);
    if (rc)
        return rc;
    return same && !ret_key->revoked_s ? FOV_OK : fov_fail(err, FOV_EPERM, "Invalid API key");
}

enum fov_code fov_store_key_each(struct fov_store *s, fov_key_fn *fn, void *user,
                                 struct fov_err *err)
{
    FOV_AUTO(fov__db_finalize_at) sqlite3_stmt *statement = NULL;
    struct fov_key key;
    bool found = true;
    sqlite3_mutex_enter(s->lock);
    enum fov_code rc =
        fov__db_prepare(s, &statement, err, "SELECT " KEY_COLUMNS "ORDER BY key.id", "");
    while (!rc && !(rc = fov__db_step(s, statement, &found, err)) && found) {
        read_key(statement, &key);
        fn(user, &key);
    }
    sqlite3_finalize(FOV_STEAL(statement));
    sqlite3_mutex_leave(s->lock);
    return rc;
}

enum fov_code fov_store_key_revoke(struct fov_store *s, const char *prefix, struct fov_err *err)
{
    int64_t n = 0;
    enum fov_code rc = fov__db_begin(s, err);
    if (rc)
        return rc;
    rc =
        fov__db_run(s, &n, err, "SELECT count(*) FROM key WHERE substr(prefix, 1, length(?1)) = ?1",
                    "s", prefix);
    if (!rc && n != 1)
        rc = n ? fov_fail(err, FOV_EUSAGE, "%d keys begin with %.20s; say more of it", (int)n,
                          prefix)
               : fov_fail(err, FOV_ENOINPUT, "no key begins with %.20s", prefix);
    if (!rc)
        rc = fov__db_run(s, NULL, err,
                         "UPDATE key SET revoked_s = ? WHERE substr(prefix, 1, length(?2)) = ?2"
                         " AND revoked_s = 0",
                         "is", (int64_t)time(NULL), prefix);
    return fov__db_end(s, rc, err);
}
