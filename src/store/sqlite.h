/* SPDX-License-Identifier: Apache-2.0 */
/* sqlite.h -- what the files of the store share: a connection, statements, transactions.
 *
 * Every change is begun, made and ended: fov__db_begin(), some fov__db_run(), fov__db_end(), which
 * undoes all of it unless each of them succeeded. Whoever only reads may take the lock alone, for
 * one statement sees one state of the file.
 *
 * All of them fail as fov_store_open() says: FOV_EOUTPUT (the disk, or another process has it),
 * FOV_ENOMEM, FOV_ELIMIT for what is longer than SQLite holds, FOV_EINTERNAL.
 */
#ifndef FOV_STORE_SQLITE_H
#define FOV_STORE_SQLITE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

enum { FOV_HASH_BYTES = 32 };

struct fov_store {
    sqlite3 *db;
    char *path;
    const char
        *name; /* for sentences: the path until it is open, and then no stranger's business */
    double busy_since_s; /* by fov_clock_s(), while another process is waited for */
    sqlite3_mutex *lock; /* held for a transaction, or while a statement is read */
    bool is_durable;     /* synchronous = FULL */
};

/* Say what SQLite says, with the code that fits. The lock is held. */
FOV_CHECKED enum fov_code fov__db_fail(struct fov_store *s, struct fov_err *err);

/* FOV_AUTO(fov__db_finalize_at) sqlite3_stmt *st; NULL is fine. */
void fov__db_finalize_at(sqlite3_stmt **statement);

/* Make the statement `sql` with what `kinds` says bound to it: i int64_t, s text or NULL, h a hash
 * of FOV_HASH_BYTES, b a pointer and a size_t. Texts and bytes are borrowed until it ends. Gives
 * *ret, also on failure; end it with fov__db_finalize_at(). The lock is held. */
FOV_CHECKED enum fov_code fov__db_prepare(struct fov_store *s, sqlite3_stmt **ret,
                                          struct fov_err *err, const char *sql, const char *kinds,
                                          ...);

/* Take a step: a row, or none. */
FOV_CHECKED enum fov_code fov__db_step(struct fov_store *s, sqlite3_stmt *statement, bool *ret_row,
                                       struct fov_err *err);

/* Run a statement that gives at most one number; *ret_number stays where it gives none. The rest
 * is as for fov__db_prepare(). */
#define fov__db_run(s, ret_number, err, sql, ...)                                                  \
    __extension__({                                                                                \
        FOV_AUTO(fov__db_finalize_at) sqlite3_stmt *st_ = NULL;                                    \
        bool row_ = false;                                                                         \
        enum fov_code rc_ = fov__db_prepare(s, &st_, err, sql, __VA_ARGS__);                       \
        rc_ = rc_ ? rc_ : fov__db_step(s, st_, &row_, err);                                        \
        int64_t *const to_ = ret_number;                                                           \
        if (row_ && to_)                                                                           \
            *to_ = sqlite3_column_int64(st_, 0);                                                   \
        rc_;                                                                                       \
    })

/* Take the lock, and the file for writing. Nothing is held when it fails. */
FOV_CHECKED enum fov_code fov__db_begin(struct fov_store *s, struct fov_err *err);

/* The same, but a power cut may undo it as if it had never been until the next transaction that was
 * begun by fov__db_begin() has ended. A crash of the process undoes neither. */
FOV_CHECKED enum fov_code fov__db_begin_lasting_later(struct fov_store *s, struct fov_err *err);

/* End what fov__db_begin() began: for good when `rc` is FOV_OK, else as if it had never been. */
FOV_CHECKED enum fov_code fov__db_end(struct fov_store *s, enum fov_code rc, struct fov_err *err);

/* The text in a column, cut to `bytes` with its end; empty for NULL. */
void fov__db_text(char *to, size_t bytes, sqlite3_stmt *from, int column);

/* `begins` and letters and digits by chance, each of the 62 with the same, until there are
 * `n_chars`, which `text` has room for and one more. FOV_EINTERNAL. */
FOV_CHECKED enum fov_code fov__invent(const char *begins, size_t n_chars, char *text,
                                      struct fov_err *err);

/* Is `name` one line of 1 to FOV_NAME_CHARS bytes? FOV_EUSAGE that says so of a `what`. */
FOV_CHECKED enum fov_code fov__check_name(const char *name, const char *what, struct fov_err *err);

/* Within a transaction: fov_store_hold(), and fov_store_capture() or fov_store_release(). */
FOV_CHECKED enum fov_code fov__credit_hold(struct fov_store *s, int64_t key_id, int64_t *ret_hold,
                                           struct fov_err *err);
FOV_CHECKED enum fov_code fov__credit_settle(struct fov_store *s, int64_t hold, bool capture,
                                             struct fov_err *err);

#endif
