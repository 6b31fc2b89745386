/* SPDX-License-Identifier: Apache-2.0 */
/* store_sqlite.c -- the store in one SQLite file.
 *
 * Write-ahead log, so that readers do not wait; synchronous = FULL, so that what was answered is on
 * the disk. The ledger refuses changes by triggers, and a unique index lets a hold end once,
 * whatever the code does. A key is 190 bits of chance, so one SHA-256 keeps it; a slow hash is for
 * what people think up.
 *
 * Threads: any; one transaction at a time. Owns: the connection. Trust: names and keys are a
 * user's, and are bound to statements, never part of their text.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/mem.h"
#include "store/store.h"

enum { VERSION = 1, BUSY_MS = 10000, HASH_BYTES = 32 };

static const char key_begins[] = "fov_";
static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static const char schema[] =
    "CREATE TABLE project(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    "  budget INTEGER NOT NULL DEFAULT -1, n_used INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE key(id INTEGER PRIMARY KEY, prefix TEXT NOT NULL UNIQUE, hash BLOB NOT NULL,"
    "  name TEXT NOT NULL, project INTEGER NOT NULL REFERENCES project, created_s INTEGER NOT NULL,"
    "  revoked_s INTEGER NOT NULL DEFAULT 0, n_used INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE ledger(id INTEGER PRIMARY KEY, at_s INTEGER NOT NULL,"
    "  kind TEXT NOT NULL CHECK(kind IN ('grant', 'hold', 'capture', 'release')),"
    "  pool TEXT NOT NULL CHECK(pool IN ('trial', 'paid')),"
    "  amount INTEGER NOT NULL, hold INTEGER REFERENCES ledger, key INTEGER REFERENCES key);"
    "CREATE UNIQUE INDEX hold_ends_once ON ledger(hold) WHERE hold IS NOT NULL;"
    "CREATE TRIGGER ledger_keeps BEFORE UPDATE ON ledger"
    "  BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END;"
    "CREATE TRIGGER ledger_grows BEFORE DELETE ON ledger"
    "  BEGIN SELECT RAISE(ABORT, 'the ledger only grows'); END;"
    "CREATE TABLE balance(pool TEXT PRIMARY KEY, amount INTEGER NOT NULL CHECK(amount >= 0));"
    "CREATE TABLE open_hold(id INTEGER PRIMARY KEY REFERENCES ledger);"
    "CREATE TABLE captured(n INTEGER NOT NULL);"
    "INSERT INTO balance VALUES('trial', 0), ('paid', 0);"
    "INSERT INTO captured VALUES(0);"
    "PRAGMA application_id = 0x466F7665;" /* Fove */
    "PRAGMA user_version = 1;";

struct fov_store {
    sqlite3 *db;
    char *path;
    sqlite3_mutex *lock;
};

/* ---- statements -------------------------------------------------------------------------- */

static enum fov_code db_fail(struct fov_store *s, struct fov_err *err)
{
    const int code = sqlite3_errcode(s->db) & 0xFF;
    const enum fov_code rc = code == SQLITE_NOMEM                                ? FOV_ENOMEM
                             : code == SQLITE_ERROR || code == SQLITE_CONSTRAINT ? FOV_EINTERNAL
                                                                                 : FOV_EOUTPUT;
    return fov_fail(err, rc, "%s: %s", s->path, sqlite3_errmsg(s->db));
}

static void finalize_at(sqlite3_stmt **statement)
{
    sqlite3_finalize(*statement);
}

/* A statement with what `kinds` says bound to it: i int64_t, s text, b HASH_BYTES bytes. */
static enum fov_code prepare(struct fov_store *s, sqlite3_stmt **ret, struct fov_err *err,
                             const char *sql, const char *kinds, ...)
{
    va_list values;
    int bad = sqlite3_prepare_v2(s->db, sql, -1, ret, NULL);
    va_start(values, kinds);
    for (int i = 0; kinds[i] && !bad; i++)
        if (kinds[i] == 'i')
            bad = sqlite3_bind_int64(*ret, i + 1, va_arg(values, int64_t));
        else if (kinds[i] == 's')
            bad =
                sqlite3_bind_text(*ret, i + 1, va_arg(values, const char *), -1, SQLITE_TRANSIENT);
        else
            bad = sqlite3_bind_blob(*ret, i + 1, va_arg(values, const void *), HASH_BYTES,
                                    SQLITE_TRANSIENT);
    va_end(values);
    return bad ? db_fail(s, err) : FOV_OK;
}

/* Take a step: a row, or none. */
static enum fov_code step(struct fov_store *s, sqlite3_stmt *statement, bool *ret_row,
                          struct fov_err *err)
{
    const int found = sqlite3_step(statement);
    *ret_row = found == SQLITE_ROW;
    return found == SQLITE_ROW || found == SQLITE_DONE ? FOV_OK : db_fail(s, err);
}

/* Run a statement that gives at most one number; *ret_number stays where it gives none. */
#define run(s, ret_number, err, sql, ...)                                                          \
    __extension__({                                                                                \
        FOV_AUTO(finalize_at) sqlite3_stmt *st_ = NULL;                                            \
        bool row_ = false;                                                                         \
        enum fov_code rc_ = prepare(s, &st_, err, sql, __VA_ARGS__);                               \
        rc_ = rc_ ? rc_ : step(s, st_, &row_, err);                                                \
        int64_t *const to_ = ret_number;                                                           \
        if (row_ && to_)                                                                           \
            *to_ = sqlite3_column_int64(st_, 0);                                                   \
        rc_;                                                                                       \
    })

static enum fov_code begin(struct fov_store *s, struct fov_err *err)
{
    sqlite3_mutex_enter(s->lock);
    if (sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK)
        return FOV_OK;
    const enum fov_code rc = db_fail(s, err);
    sqlite3_mutex_leave(s->lock);
    return rc;
}

/* End what begin() began: for good when `rc` is FOV_OK. */
static enum fov_code end(struct fov_store *s, enum fov_code rc, struct fov_err *err)
{
    if (!rc && sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
        rc = db_fail(s, err);
    if (rc)
        (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_mutex_leave(s->lock);
    return rc;
}

/* ---- open -------------------------------------------------------------------------------- */

/* A new file gets its tables; an old one must be a store. */
static enum fov_code check_schema(struct fov_store *s, struct fov_err *err)
{
    int64_t id = 0, version = 0, n_tables = 0;
    enum fov_code rc;
    if ((rc = run(s, &id, err, "PRAGMA application_id", "")) ||
        (rc = run(s, &version, err, "PRAGMA user_version", "")) ||
        (rc = run(s, &n_tables, err, "SELECT count(*) FROM sqlite_schema", "")))
        return rc;
    if (!n_tables)
        return sqlite3_exec(s->db, schema, NULL, NULL, NULL) == SQLITE_OK ? FOV_OK
                                                                          : db_fail(s, err);
    if (id != 0x466F7665)
        return fov_fail(err, FOV_ECONFIG, "%s: is a database, but none of Fovea's", s->path);
    if (version != VERSION)
        return fov_fail(err, FOV_ECONFIG, "%s: is of version %d, and this Fovea knows version %d",
                        s->path, (int)version, VERSION);
    return FOV_OK;
}

enum fov_code fov_store_open(const char *path, struct fov_store **ret_store, struct fov_err *err)
{
    struct fov_store *s = fov_calloc(1, sizeof(*s));
    enum fov_code rc;
    if (!s || !(s->path = fov_strdup(path)) ||
        !(s->lock = sqlite3_mutex_alloc(SQLITE_MUTEX_FAST))) {
        fov_store_close(s);
        return fov_fail(err, FOV_ENOMEM, "%s: no memory to open it", path);
    }
    const mode_t old = umask(0077);
    const int bad = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    if (bad) {
        rc =
            fov_fail(err, bad == SQLITE_NOMEM ? FOV_ENOMEM : FOV_EOUTPUT,
                     "%s: cannot be opened: %s", path, s->db ? sqlite3_errmsg(s->db) : "no memory");
    } else {
        (void)sqlite3_busy_timeout(s->db, BUSY_MS);
        if (sqlite3_exec(s->db,
                         "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                         "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF",
                         NULL, NULL, NULL) != SQLITE_OK)
            rc = sqlite3_errcode(s->db) == SQLITE_NOTADB
                     ? fov_fail(err, FOV_ECONFIG, "%s: is no store of keys and credits", path)
                     : db_fail(s, err);
        else if (!(rc = begin(s, err)))
            rc = end(s, check_schema(s, err), err);
    }
    (void)umask(old);
    if (rc) {
        fov_store_close(s);
        return rc;
    }
    *ret_store = s;
    return FOV_OK;
}

void fov_store_close(struct fov_store *store)
{
    if (!store)
        return;
    (void)sqlite3_close(store->db);
    sqlite3_mutex_free(store->lock);
    fov_free(store->path);
    fov_free(store);
}

/* ---- keys -------------------------------------------------------------------------------- */

static enum fov_code hash(const char *text, uint8_t to[HASH_BYTES], struct fov_err *err)
{
    unsigned n = HASH_BYTES;
    return EVP_Digest(text, strlen(text), to, &n, EVP_sha256(), NULL) == 1
               ? FOV_OK
               : fov_fail(err, FOV_EINTERNAL, "a key cannot be hashed");
}

/* "fov_" and letters, each with the same chance. */
static enum fov_code invent(char text[FOV_KEY_CHARS + 1], struct fov_err *err)
{
    enum { N = sizeof(letters) - 1, FAIR = 256 / N * N };
    size_t n = sizeof(key_begins) - 1;
    memcpy(text, key_begins, n);
    while (n < FOV_KEY_CHARS) {
        uint8_t byte;
        if (RAND_bytes(&byte, 1) != 1)
            return fov_fail(err, FOV_EINTERNAL, "the system gives no random numbers");
        if (byte < FAIR)
            text[n++] = letters[byte % N];
    }
    text[n] = '\0';
    return FOV_OK;
}

static enum fov_code check_name(const char *name, const char *what, struct fov_err *err)
{
    const size_t n = strlen(name);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)name[i] < ' ')
            return fov_fail(err, FOV_EUSAGE, "the name of a %s is one line", what);
    return n >= 1 && n <= FOV_NAME_CHARS
               ? FOV_OK
               : fov_fail(err, FOV_EUSAGE, "the name of a %s has 1 to %d bytes", what,
                          FOV_NAME_CHARS);
}

static void copy_text(char *to, size_t bytes, sqlite3_stmt *from, int column)
{
    const unsigned char *const text = sqlite3_column_text(from, column);
    sqlite3_snprintf((int)bytes, to, "%s", text ? (const char *)text : "");
}

#define KEY_COLUMNS                                                                                \
    "key.id, prefix, key.name, project.name, created_s, revoked_s, key.n_used, hash"               \
    " FROM key JOIN project ON project.id = key.project "

static void read_key(sqlite3_stmt *from, struct fov_key *key)
{
    *key = (struct fov_key){.id = sqlite3_column_int64(from, 0),
                            .created_s = sqlite3_column_int64(from, 4),
                            .revoked_s = sqlite3_column_int64(from, 5),
                            .n_used = sqlite3_column_int64(from, 6)};
    copy_text(key->prefix, sizeof(key->prefix), from, 1);
    copy_text(key->name, sizeof(key->name), from, 2);
    copy_text(key->project, sizeof(key->project), from, 3);
}

static enum fov_code insert_key(struct fov_store *s, const char *name, const char *project,
                                const char *text, struct fov_key *key, struct fov_err *err)
{
    uint8_t digest[HASH_BYTES];
    enum fov_code rc;
    *key = (struct fov_key){.created_s = time(NULL)};
    sqlite3_snprintf(sizeof(key->prefix), key->prefix, "%s", text);
    sqlite3_snprintf(sizeof(key->name), key->name, "%s", name);
    sqlite3_snprintf(sizeof(key->project), key->project, "%s", project);
    if ((rc = hash(text, digest, err)) ||
        (rc = run(s, NULL, err, "INSERT OR IGNORE INTO project(name) VALUES(?)", "s", project)) ||
        (rc = run(s, &key->id, err,
                  "INSERT INTO key(prefix, hash, name, project, created_s) VALUES(?, ?, ?,"
                  " (SELECT id FROM project WHERE name = ?), ?) RETURNING id",
                  "sbssi", key->prefix, digest, name, project, key->created_s)))
        return rc;
    return FOV_OK;
}

enum fov_code fov_store_key_create(struct fov_store *s, const char *name, const char *project,
                                   char text[FOV_KEY_CHARS + 1], struct fov_key *ret_key,
                                   struct fov_err *err)
{
    enum fov_code rc;
    if ((rc = check_name(name, "key", err)) || (rc = check_name(project, "project", err)) ||
        (rc = invent(text, err)) || (rc = begin(s, err)))
        return rc;
    return end(s, insert_key(s, name, project, text, ret_key, err), err);
}

enum fov_code fov_store_key_find(struct fov_store *s, const char *text, struct fov_key *ret_key,
                                 struct fov_err *err)
{
    static const uint8_t none[HASH_BYTES];
    FOV_AUTO(finalize_at) sqlite3_stmt *statement = NULL;
    uint8_t digest[HASH_BYTES];
    char prefix[FOV_PREFIX_CHARS + 1];
    bool found = false;
    enum fov_code rc;

    sqlite3_snprintf(sizeof(prefix), prefix, "%s", text);
    if ((rc = hash(text, digest, err)))
        return rc;
    sqlite3_mutex_enter(s->lock);
    if (!(rc = prepare(s, &statement, err, "SELECT " KEY_COLUMNS "WHERE prefix = ?", "s", prefix)))
        rc = step(s, statement, &found, err);
    const void *const kept = found ? sqlite3_column_blob(statement, 7) : NULL;
    const bool whole = found && sqlite3_column_bytes(statement, 7) == HASH_BYTES;
    const bool same = !CRYPTO_memcmp(whole ? kept : none, digest, HASH_BYTES) && whole;
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
    FOV_AUTO(finalize_at) sqlite3_stmt *statement = NULL;
    struct fov_key key;
    bool found = true;
    sqlite3_mutex_enter(s->lock);
    enum fov_code rc = prepare(s, &statement, err, "SELECT " KEY_COLUMNS "ORDER BY key.id", "");
    while (!rc && !(rc = step(s, statement, &found, err)) && found) {
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
    enum fov_code rc = begin(s, err);
    if (rc)
        return rc;
    rc = run(s, &n, err, "SELECT count(*) FROM key WHERE substr(prefix, 1, length(?1)) = ?1", "s",
             prefix);
    if (!rc && n != 1)
        rc = n ? fov_fail(err, FOV_EUSAGE, "%d keys begin with %.20s; say more of it", (int)n,
                          prefix)
               : fov_fail(err, FOV_ENOINPUT, "no key begins with %.20s", prefix);
    if (!rc)
        rc = run(s, NULL, err,
                 "UPDATE key SET revoked_s = ? WHERE substr(prefix, 1, length(?2)) = ?2"
                 " AND revoked_s = 0",
                 "is", (int64_t)time(NULL), prefix);
    return end(s, rc, err);
}

/* ---- credits ----------------------------------------------------------------------------- */

enum fov_code fov_store_budget(struct fov_store *s, const char *project, int64_t budget,
                               struct fov_err *err)
{
    enum fov_code rc;
    if (budget < FOV_NO_BUDGET)
        return fov_fail(err, FOV_EUSAGE, "a budget is a number from 0");
    if ((rc = check_name(project, "project", err)) || (rc = begin(s, err)))
        return rc;
    return end(s,
               run(s, NULL, err,
                   "INSERT INTO project(name, budget) VALUES(?1, ?2)"
                   " ON CONFLICT(name) DO UPDATE SET budget = ?2",
                   "si", project, budget),
               err);
}

/* A line of the ledger, and what it does to a balance. */
static enum fov_code enter(struct fov_store *s, const char *kind, const char *pool, int64_t amount,
                           int64_t hold, int64_t key, int64_t *ret_id, struct fov_err *err)
{
    const enum fov_code rc = run(s, ret_id, err,
                                 "INSERT INTO ledger(at_s, kind, pool, amount, hold, key)"
                                 " VALUES(?, ?, ?, ?, nullif(?, 0), nullif(?, 0)) RETURNING id",
                                 "issiii", (int64_t)time(NULL), kind, pool, amount, hold, key);
    return rc || !amount
               ? rc
               : run(s, NULL, err, "UPDATE balance SET amount = amount + ? WHERE pool = ?", "is",
                     amount, pool);
}

enum fov_code fov_store_grant(struct fov_store *s, bool trial, int64_t n, struct fov_err *err)
{
    enum fov_code rc;
    if (n < 1 || n > 1000000000)
        return fov_fail(err, FOV_EUSAGE, "credits are added 1 to 1000000000 at a time");
    if ((rc = begin(s, err)))
        return rc;
    return end(s, enter(s, "grant", trial ? "trial" : "paid", n, 0, 0, NULL, err), err);
}

enum fov_code fov_store_credits(struct fov_store *s, struct fov_credits *ret, struct fov_err *err)
{
    enum fov_code rc = begin(s, err);
    if (rc)
        return rc;
    if (!(rc = run(s, &ret->trial, err, "SELECT amount FROM balance WHERE pool = 'trial'", "")) &&
        !(rc = run(s, &ret->paid, err, "SELECT amount FROM balance WHERE pool = 'paid'", "")) &&
        !(rc = run(s, &ret->held, err, "SELECT count(*) FROM open_hold", "")))
        rc = run(s, &ret->captured, err, "SELECT n FROM captured", "");
    return end(s, rc, err);
}

/* Count one more, or one less, for a key and its project. */
static enum fov_code count_use(struct fov_store *s, int64_t key, int64_t by, struct fov_err *err)
{
    const enum fov_code rc =
        run(s, NULL, err, "UPDATE key SET n_used = n_used + ? WHERE id = ?", "ii", by, key);
    return rc ? rc
              : run(s, NULL, err,
                    "UPDATE project SET n_used = n_used + ?"
                    " WHERE id = (SELECT project FROM key WHERE id = ?)",
                    "ii", by, key);
}

static enum fov_code hold(struct fov_store *s, int64_t key, int64_t *ret_hold, struct fov_err *err)
{
    int64_t left = -1, trial = 0, paid = 0;
    enum fov_code rc;
    if ((rc = run(s, &left, err,
                  "SELECT CASE WHEN budget < 0 THEN 1 ELSE max(0, budget - project.n_used) END"
                  " FROM key JOIN project ON project.id = key.project WHERE key.id = ?",
                  "i", key)) ||
        (rc = run(s, &trial, err, "SELECT amount FROM balance WHERE pool = 'trial'", "")) ||
        (rc = run(s, &paid, err, "SELECT amount FROM balance WHERE pool = 'paid'", "")))
        return rc;
    if (left < 0)
        return fov_fail(err, FOV_EINTERNAL, "%s: there is no key %lld", s->path, (long long)key);
    if (!left)
        return fov_fail(err, FOV_ECREDIT, "Budget cap exceeded");
    if (trial + paid < 1)
        return fov_fail(err, FOV_ECREDIT, "Insufficient credits");
    if ((rc = enter(s, "hold", trial ? "trial" : "paid", -1, 0, key, ret_hold, err)) ||
        (rc = run(s, NULL, err, "INSERT INTO open_hold VALUES(?)", "i", *ret_hold)) ||
        (rc = count_use(s, key, 1, err)))
        return rc;
    return FOV_OK;
}

enum fov_code fov_store_hold(struct fov_store *s, int64_t key_id, int64_t *ret_hold,
                             struct fov_err *err)
{
    int64_t made = 0;
    enum fov_code rc = begin(s, err);
    if (rc)
        return rc;
    rc = end(s, hold(s, key_id, &made, err), err);
    if (!rc)
        *ret_hold = made;
    return rc;
}

/* End a hold that is still open, one way or the other. */
static enum fov_code settle(struct fov_store *s, int64_t hold, bool capture, struct fov_err *err)
{
    int64_t open = 0, key = 0, is_trial = 0;
    enum fov_code rc;
    if ((rc = run(s, &open, err, "DELETE FROM open_hold WHERE id = ? RETURNING id", "i", hold)) ||
        !open)
        return rc;
    if ((rc = run(s, &key, err, "SELECT key FROM ledger WHERE id = ?", "i", hold)) ||
        (rc =
             run(s, &is_trial, err, "SELECT pool = 'trial' FROM ledger WHERE id = ?", "i", hold)) ||
        (rc = enter(s, capture ? "capture" : "release", is_trial ? "trial" : "paid",
                    capture ? 0 : 1, hold, key, NULL, err)))
        return rc;
    return capture ? run(s, NULL, err, "UPDATE captured SET n = n + 1", "")
                   : count_use(s, key, -1, err);
}

static enum fov_code settle_one(struct fov_store *s, int64_t hold, bool capture,
                                struct fov_err *err)
{
    const enum fov_code rc = begin(s, err);
    return rc ? rc : end(s, settle(s, hold, capture, err), err);
}

enum fov_code fov_store_capture(struct fov_store *s, int64_t hold, struct fov_err *err)
{
    return settle_one(s, hold, true, err);
}

enum fov_code fov_store_release(struct fov_store *s, int64_t hold, struct fov_err *err)
{
    return settle_one(s, hold, false, err);
}

enum fov_code fov_store_release_all(struct fov_store *s, int *ret_n, struct fov_err *err)
{
    int n = 0;
    enum fov_code rc = begin(s, err);
    if (rc)
        return rc;
    for (int64_t first = 1; !rc && first; n += first > 0) {
        first = 0;
        if (!(rc = run(s, &first, err, "SELECT id FROM open_hold LIMIT 1", "")) && first)
            rc = settle(s, first, false, err);
    }
    rc = end(s, rc, err);
    if (!rc)
        *ret_n = n;
    return rc;
}

/* ---- audit ------------------------------------------------------------------------------- */

enum fov_code fov_store_audit(struct fov_store *s, struct fov_err *err)
{
    static const struct {
        const char *what, *sql; /* how many disagree */
    } rules[] = {
        {"balances", "SELECT count(*) FROM balance WHERE amount <> (SELECT coalesce(sum(amount), 0)"
                     " FROM ledger WHERE ledger.pool = balance.pool)"},
        {"open holds", "SELECT count(*) FROM (SELECT id FROM ledger WHERE kind = 'hold'"
                       " EXCEPT SELECT hold FROM ledger WHERE hold IS NOT NULL"
                       " EXCEPT SELECT id FROM open_hold)"},
        {"captured credits", "SELECT n <> (SELECT count(*) FROM ledger WHERE kind = 'capture')"
                             " FROM captured"},
        {"uses of keys", "SELECT count(*) FROM key WHERE n_used <> (SELECT count(*) FROM ledger"
                         " WHERE ledger.key = key.id AND kind = 'hold') - (SELECT count(*)"
                         " FROM ledger WHERE ledger.key = key.id AND kind = 'release')"},
        {"uses of projects", "SELECT count(*) FROM project WHERE n_used <> (SELECT"
                             " coalesce(sum(n_used), 0) FROM key WHERE key.project = project.id)"},
    };
    enum fov_code rc = begin(s, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < FOV_N_ELEMENTS(rules) && !rc; i++) {
        int64_t n = 0;
        if (!(rc = run(s, &n, err, rules[i].sql, "")) && n)
            rc = fov_fail(err, FOV_EINTERNAL, "%s: %s do not agree with the ledger", s->path,
                          rules[i].what);
    }
    return end(s, rc, err);
}
