/* SPDX-License-Identifier: Apache-2.0 */
/* store_sqlite.c -- the store in one SQLite file: its tables, its connection, its statements.
 *
 * Write-ahead log, so that readers do not wait; synchronous = FULL, so that what was answered is on
 * the disk. The ledger refuses changes by triggers, and unique indexes let a hold end once and
 * belong to one job, whatever the code does. A store of an earlier version is brought to this one
 * when it is opened, step by step and in one transaction: a new file takes the same steps.
 *
 * BUSY_MS is what a thread of the server may wait for another process; a transaction takes 2 ms,
 * and one with a file of 50 MB half a second (docs/decisions/0007-store.md).
 *
 * Threads: any; one transaction at a time. Owns: the connection. Trust: the file's owner; what
 * users say is bound to statements, never part of their text.
 */
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "store/sqlite.h"
#include "store/store.h"

enum { APPLICATION = 0x466F7665 /* Fove */, VERSION = 2, BUSY_MS = 3000, SECRET_BYTES = 32 };

static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static const char schema_1[] =
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
    "PRAGMA application_id = 0x466F7665;"
    "PRAGMA user_version = 1;";

/* A job's id is what it is called outside, its rowid the order of arrival. `n_attempts` counts
 * every claim and so tells workers apart; `n_put_back` of them do not count as attempts that
 * failed. */
static const char schema_2[] =
    "CREATE TABLE job(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    "  key INTEGER NOT NULL REFERENCES key, project INTEGER NOT NULL REFERENCES project,"
    "  hold INTEGER NOT NULL UNIQUE REFERENCES ledger,"
    "  state TEXT NOT NULL DEFAULT 'queued'"
    "    CHECK(state IN ('queued', 'running', 'done', 'failed', 'cancelled')),"
    "  request TEXT NOT NULL, webhook_url TEXT, idempotency_key TEXT, digest BLOB NOT NULL,"
    "  n_attempts INTEGER NOT NULL DEFAULT 0, n_put_back INTEGER NOT NULL DEFAULT 0,"
    "  leased_to_s INTEGER NOT NULL DEFAULT 0, created_s INTEGER NOT NULL,"
    "  finished_s INTEGER NOT NULL DEFAULT 0, status INTEGER NOT NULL DEFAULT 0,"
    "  error TEXT NOT NULL DEFAULT '', mime_type TEXT NOT NULL DEFAULT '',"
    "  width_px INTEGER NOT NULL DEFAULT 0, height_px INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX job_state ON job(state, key);"
    "CREATE INDEX job_ended ON job(finished_s) WHERE finished_s > 0;"
    "CREATE UNIQUE INDEX job_once ON job(project, idempotency_key)"
    "  WHERE idempotency_key IS NOT NULL;"
    "CREATE TABLE blob(job INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,"
    "  kind TEXT NOT NULL CHECK(kind IN ('input', 'result')), data BLOB NOT NULL,"
    "  PRIMARY KEY(job, kind));"
    "CREATE TABLE webhook(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    "  job INTEGER NOT NULL UNIQUE REFERENCES job ON DELETE CASCADE, url TEXT NOT NULL,"
    "  state TEXT NOT NULL DEFAULT 'pending' CHECK(state IN ('pending', 'delivered', 'dead')),"
    "  n_attempts INTEGER NOT NULL DEFAULT 0, at_s INTEGER NOT NULL,"
    "  error TEXT NOT NULL DEFAULT '');"
    "CREATE INDEX webhook_state ON webhook(state, at_s);"
    "CREATE TABLE setting(name TEXT PRIMARY KEY, value TEXT NOT NULL);"
    "PRAGMA user_version = 2;";

static const char *const schemas[VERSION] = {schema_1, schema_2}; /* what brings to 1, 2, ... */

/* ---- statements -------------------------------------------------------------------------- */

enum fov_code fov__db_fail(struct fov_store *s, struct fov_err *err)
{
    const int code = sqlite3_errcode(s->db) & 0xFF;
    const enum fov_code rc = code == SQLITE_NOMEM                                ? FOV_ENOMEM
                             : code == SQLITE_TOOBIG                             ? FOV_ELIMIT
                             : code == SQLITE_ERROR || code == SQLITE_CONSTRAINT ? FOV_EINTERNAL
                                                                                 : FOV_EOUTPUT;
    return fov_fail(err, rc, "%s: %s", s->name, sqlite3_errmsg(s->db));
}

void fov__db_finalize_at(sqlite3_stmt **statement)
{
    sqlite3_finalize(*statement);
}

enum fov_code fov__db_prepare(struct fov_store *s, sqlite3_stmt **ret, struct fov_err *err,
                              const char *sql, const char *kinds, ...)
{
    va_list values;
    int bad = sqlite3_prepare_v2(s->db, sql, -1, ret, NULL);
    va_start(values, kinds);
    for (int i = 0; kinds[i] && !bad; i++) {
        if (kinds[i] == 'i') {
            bad = sqlite3_bind_int64(*ret, i + 1, va_arg(values, int64_t));
        } else if (kinds[i] == 's') {
            bad = sqlite3_bind_text(*ret, i + 1, va_arg(values, const char *), -1, SQLITE_STATIC);
        } else {
            const void *const bytes = va_arg(values, const void *);
            const size_t n = kinds[i] == 'h' ? FOV_HASH_BYTES : va_arg(values, size_t);
            bad = n ? sqlite3_bind_blob64(*ret, i + 1, bytes, n, SQLITE_STATIC)
                    : sqlite3_bind_zeroblob(*ret, i + 1, 0);
        }
    }
    va_end(values);
    return bad ? fov__db_fail(s, err) : FOV_OK;
}

enum fov_code fov__db_step(struct fov_store *s, sqlite3_stmt *statement, bool *ret_row,
                           struct fov_err *err)
{
    const int found = sqlite3_step(statement);
    *ret_row = found == SQLITE_ROW;
    return found == SQLITE_ROW || found == SQLITE_DONE ? FOV_OK : fov__db_fail(s, err);
}

/* Whether what ends is on the disk then; SQLite cannot be told within a transaction. */
static bool be_durable(struct fov_store *s, bool is_durable)
{
    const char *const sql =
        is_durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL";
    if (is_durable != s->is_durable && sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK)
        s->is_durable = is_durable;
    return is_durable == s->is_durable;
}

static enum fov_code begin(struct fov_store *s, bool is_durable, struct fov_err *err)
{
    sqlite3_mutex_enter(s->lock);
    if (be_durable(s, is_durable) &&
        sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK)
        return FOV_OK;
    const enum fov_code rc = fov__db_fail(s, err);
    sqlite3_mutex_leave(s->lock);
    return rc;
}

enum fov_code fov__db_begin(struct fov_store *s, struct fov_err *err)
{
    return begin(s, true, err);
}

enum fov_code fov__db_begin_lasting_later(struct fov_store *s, struct fov_err *err)
{
    return begin(s, false, err);
}

enum fov_code fov__db_end(struct fov_store *s, enum fov_code rc, struct fov_err *err)
{
    if (!rc && sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
        rc = fov__db_fail(s, err);
    if (rc)
        (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_mutex_leave(s->lock);
    return rc;
}

void fov__db_text(char *to, size_t bytes, sqlite3_stmt *from, int column)
{
    const unsigned char *const text = sqlite3_column_text(from, column);
    sqlite3_snprintf((int)bytes, to, "%s", text ? (const char *)text : "");
}

enum fov_code fov__invent(const char *begins, size_t n_chars, char *text, struct fov_err *err)
{
    enum { N = sizeof(letters) - 1, FAIR = 256 / N * N };
    size_t n = strlen(begins);
    memcpy(text, begins, n);
    while (n < n_chars) {
        uint8_t byte;
        if (RAND_bytes(&byte, 1) != 1)
            return fov_fail(err, FOV_EINTERNAL, "the system gives no random numbers");
        if (byte < FAIR)
            text[n++] = letters[byte % N];
    }
    text[n] = '\0';
    return FOV_OK;
}

/* ---- open -------------------------------------------------------------------------------- */

/* The secret that signs webhooks, in the way of Standard Webhooks. */
static enum fov_code make_secret(struct fov_store *s, struct fov_err *err)
{
    uint8_t bytes[SECRET_BYTES], coded[SECRET_BYTES * 2];
    char text[FOV_SECRET_ROOM];
    if (RAND_bytes(bytes, sizeof(bytes)) != 1)
        return fov_fail(err, FOV_EINTERNAL, "the system gives no random numbers");
    (void)EVP_EncodeBlock(coded, bytes, sizeof(bytes));
    sqlite3_snprintf(sizeof(text), text, "whsec_%s", (const char *)coded);
    return fov__db_run(s, NULL, err, "INSERT INTO setting VALUES('webhook_secret', ?)", "s", text);
}

/* Bring the tables of `version`, 0 for a new file, to those of today. */
static enum fov_code migrate(struct fov_store *s, int64_t version, struct fov_err *err)
{
    for (int64_t v = version; v < VERSION; v++)
        if (sqlite3_exec(s->db, schemas[v], NULL, NULL, NULL) != SQLITE_OK)
            return fov__db_fail(s, err);
    return version < 2 ? make_secret(s, err) : FOV_OK;
}

/* Another process has the file: ask again in a millisecond, for BUSY_MS. SQLite's own handler asks
 * ten times a second in the end, which misses the short gaps that a busy server leaves: of two that
 * worked through 300 jobs, one had given up (test_store_crash: two servers). */
static int wait_for_turn(void *user, int n_asked)
{
    struct fov_store *const s = user;
    const struct timespec pause = {.tv_nsec = 1000000};
    if (!n_asked)
        s->busy_since_s = fov_clock_s();
    (void)nanosleep(&pause, NULL);
    return fov_clock_s() - s->busy_since_s < 1e-3 * BUSY_MS;
}

/* A new file gets its tables; an old one must be a store. */
static enum fov_code check_schema(struct fov_store *s, struct fov_err *err)
{
    int64_t id = 0, version = 0, n_tables = 0;
    enum fov_code rc;
    if ((rc = fov__db_run(s, &id, err, "PRAGMA application_id", "")) ||
        (rc = fov__db_run(s, &version, err, "PRAGMA user_version", "")) ||
        (rc = fov__db_run(s, &n_tables, err, "SELECT count(*) FROM sqlite_schema", "")))
        return rc;
    if (!n_tables)
        return migrate(s, 0, err);
    if (id != APPLICATION)
        return fov_fail(err, FOV_ECONFIG, "%s: is a database, but none of Fovea's", s->path);
    if (version < 1 || version > VERSION)
        return fov_fail(err, FOV_ECONFIG, "%s: is of version %d, and this Fovea knows version %d",
                        s->path, (int)version, VERSION);
    return migrate(s, version, err);
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
    s->name = s->path;
    const mode_t old = umask(0077);
    const int bad = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    if (bad) {
        rc =
            fov_fail(err, bad == SQLITE_NOMEM ? FOV_ENOMEM : FOV_EOUTPUT,
                     "%s: cannot be opened: %s", path, s->db ? sqlite3_errmsg(s->db) : "no memory");
    } else {
        (void)sqlite3_busy_handler(s->db, wait_for_turn, s);
        if (sqlite3_exec(s->db,
                         "PRAGMA journal_mode = WAL; "
                         "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF",
                         NULL, NULL, NULL) != SQLITE_OK)
            rc = sqlite3_errcode(s->db) == SQLITE_NOTADB
                     ? fov_fail(err, FOV_ECONFIG, "%s: is no store of keys and credits", path)
                     : fov__db_fail(s, err);
        else if (!(rc = fov__db_begin(s, err)))
            rc = fov__db_end(s, check_schema(s, err), err);
    }
    (void)umask(old);
    if (rc) {
        fov_store_close(s);
        return rc;
    }
    s->name = "the store";
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

enum fov_code fov_store_secret(struct fov_store *s, char text[FOV_SECRET_ROOM], struct fov_err *err)
{
    FOV_AUTO(fov__db_finalize_at) sqlite3_stmt *statement = NULL;
    bool found = false;
    sqlite3_mutex_enter(s->lock);
    enum fov_code rc = fov__db_prepare(
        s, &statement, err, "SELECT value FROM setting WHERE name = 'webhook_secret'", "");
    if (!rc && !(rc = fov__db_step(s, statement, &found, err)) && found)
        fov__db_text(text, FOV_SECRET_ROOM, statement, 0);
    sqlite3_finalize(FOV_STEAL(statement));
    sqlite3_mutex_leave(s->lock);
    return rc || found ? rc
                       : fov_fail(err, FOV_EINTERNAL, "%s: has lost its signing secret", s->name);
}
