/* SPDX-License-Identifier: Apache-2.0 */
/* store_webhooks.c -- webhooks: claimed, delivered, tried again, dead.
 *
 * A row is written by the transaction that ends its job (store_jobs.c), so none is lost; it may be
 * sent twice, when a sender dies between the answer and its row, which is why each has an id. A
 * claim needs no column of its own: it moves the time at which the webhook is due past the lease.
 *
 * Threads: any. Trust: URLs and errors are a stranger's, and are bound to statements.
 */
#include <string.h>
#include <time.h>

#include "store/jobs.h"
#include "store/sqlite.h"

#define STATE_NAME(id, name) name,
static const char *const names[] = {FOV_WEBHOOK_STATES(STATE_NAME)};
#undef STATE_NAME

const char *fov_webhook_state_name(enum fov_webhook_state state)
{
    return names[state];
}

#define WEBHOOK_COLUMNS                                                                            \
    "webhook.name, job.name, url, webhook.state, webhook.n_attempts, at_s, webhook.error"          \
    " FROM webhook JOIN job ON job.id = webhook.job "

static void read_webhook(sqlite3_stmt *from, struct fov_webhook *webhook)
{
    char state[16];
    *webhook = (struct fov_webhook){.n_attempts = sqlite3_column_int(from, 4),
                                    .next_at_s = sqlite3_column_int64(from, 5)};
    fov__db_text(webhook->id, sizeof(webhook->id), from, 0);
    fov__db_text(webhook->job_id, sizeof(webhook->job_id), from, 1);
    fov__db_text(webhook->url, sizeof(webhook->url), from, 2);
    fov__db_text(webhook->error, sizeof(webhook->error), from, 6);
    fov__db_text(state, sizeof(state), from, 3);
    for (int i = 0; i < FOV_N_WEBHOOK_STATES; i++)
        if (!strcmp(state, names[i]))
            webhook->state = (enum fov_webhook_state)i;
}

enum { MAX_LOOKED_AT = 256, LATER_S = 10 };

/* The row of the webhook that has been due longest and that `may` be taken, or 0. Of many that may
 * not, so many are put off for some seconds: the next look is at those behind them. */
static enum fov_code find_due(struct fov_store *s, int64_t now_s, fov_webhook_may_fn *may,
                              void *user, int64_t *ret_row, struct fov_err *err)
{
    FOV_AUTO(fov__db_finalize_at) sqlite3_stmt *statement = NULL;
    bool found = false;
    enum fov_code rc =
        fov__db_prepare(s, &statement, err,
                        "SELECT webhook.id, job.project, url FROM webhook"
                        " JOIN job ON job.id = webhook.job WHERE webhook.state = 'pending'"
                        "  AND at_s <= ? ORDER BY at_s, webhook.id LIMIT ?",
                        "ii", now_s, (int64_t)MAX_LOOKED_AT);
    int n = 0;
    *ret_row = 0;
    while (!rc && !(rc = fov__db_step(s, statement, &found, err)) && found)
        if (!may || may(user, sqlite3_column_int64(statement, 1),
                        (const char *)sqlite3_column_text(statement, 2))) {
            *ret_row = sqlite3_column_int64(statement, 0);
            break;
        } else {
            n++;
        }
    if (rc || n < MAX_LOOKED_AT)
        return rc;
    fov__db_finalize_at(&statement);
    statement = NULL;
    return fov__db_run(s, NULL, err,
                       "UPDATE webhook SET at_s = ? WHERE id IN (SELECT id FROM webhook"
                       " WHERE state = 'pending' AND at_s <= ? ORDER BY at_s, id LIMIT ?)",
                       "iii", now_s + LATER_S, now_s, (int64_t)MAX_LOOKED_AT);
}

static enum fov_code claim(struct fov_store *s, int64_t now_s, int lease_s, fov_webhook_may_fn *may,
                           void *user, struct fov_webhook *to, bool *ret_found, struct fov_err *err)
{
    FOV_AUTO(fov__db_finalize_at) sqlite3_stmt *statement = NULL;
    int64_t row;
    enum fov_code rc = find_due(s, now_s, may, user, &row, err);
    if (rc || !row)
        return rc;
    if ((rc = fov__db_run(s, NULL, err,
                          "UPDATE webhook SET at_s = ?, n_attempts = n_attempts + 1 WHERE id = ?",
                          "ii", now_s + lease_s, row)) ||
        (rc = fov__db_prepare(s, &statement, err, "SELECT " WEBHOOK_COLUMNS "WHERE webhook.id = ?",
                              "i", row)) ||
        (rc = fov__db_step(s, statement, ret_found, err)))
        return rc;
    read_webhook(statement, to);
    return FOV_OK;
}

enum fov_code fov_store_webhook_claim(struct fov_store *s, int64_t now_s, int lease_s,
                                      fov_webhook_may_fn *may, void *user, struct fov_webhook *ret,
                                      bool *ret_found, struct fov_err *err)
{
    struct fov_webhook webhook;
    bool found = false;
    enum fov_code rc = fov__db_begin(s, err);
    if (rc)
        return rc;
    if ((rc = fov__db_end(s, claim(s, now_s, lease_s, may, user, &webhook, &found, err), err)))
        return rc;
    if (found)
        *ret = webhook;
    *ret_found = found;
    return FOV_OK;
}

enum fov_code fov_store_webhook_done(struct fov_store *s, const char *id, const char *error,
                                     int64_t next_at_s, struct fov_err *err)
{
    const int64_t now_s = time(NULL);
    enum fov_code rc = fov__db_begin(s, err);
    if (rc)
        return rc;
    if (!error)
        rc = fov__db_run(s, NULL, err,
                         "UPDATE webhook SET state = 'delivered', error = '', at_s = ?"
                         " WHERE name = ? AND state <> 'delivered'",
                         "is", now_s, id);
    else
        rc = fov__db_run(s, NULL, err,
                         "UPDATE webhook SET state = ?, error = ?, at_s = ?"
                         " WHERE name = ? AND state = 'pending'",
                         "ssis", next_at_s ? "pending" : "dead", error,
                         next_at_s ? next_at_s : now_s, id);
    return fov__db_end(s, rc, err);
}

enum fov_code fov_store_webhook_each(struct fov_store *s, int64_t project_id,
                                     enum fov_webhook_state state, fov_webhook_fn *fn, void *user,
                                     struct fov_err *err)
{
    FOV_AUTO(fov__db_finalize_at) sqlite3_stmt *statement = NULL;
    struct fov_webhook webhook;
    bool found = true;
    sqlite3_mutex_enter(s->lock);
    enum fov_code rc = fov__db_prepare(s, &statement, err,
                                       "SELECT " WEBHOOK_COLUMNS
                                       "WHERE webhook.state = ? AND ?2 IN (-1, job.project)"
                                       " ORDER BY at_s, webhook.id",
                                       "si", names[state], project_id);
    while (!rc && !(rc = fov__db_step(s, statement, &found, err)) && found) {
        read_webhook(statement, &webhook);
        fn(user, &webhook);
    }
    sqlite3_finalize(FOV_STEAL(statement));
    sqlite3_mutex_leave(s->lock);
    return rc;
}

static enum fov_code retry(struct fov_store *s, int64_t key_id, const char *id, struct fov_err *err)
{
    int64_t row = 0, dead = 0;
    enum fov_code rc;
    if ((rc = fov__db_run(s, &row, err,
                          "SELECT webhook.id FROM webhook JOIN job ON job.id = webhook.job"
                          " WHERE webhook.name = ?1 AND (?2 = -1"
                          "  OR job.project = (SELECT project FROM key WHERE id = ?2))",
                          "si", id, key_id)))
        return rc;
    if (!row)
        return fov_fail(err, FOV_ENOINPUT, "there is no webhook %.40s", id);
    if ((rc = fov__db_run(s, &dead, err,
                          "UPDATE webhook SET state = 'pending', n_attempts = 0, at_s = ?"
                          " WHERE id = ? AND state = 'dead' RETURNING id",
                          "ii", (int64_t)time(NULL), row)))
        return rc;
    return dead ? FOV_OK
                : fov_fail(err, FOV_EUSAGE, "webhook %.40s is not dead, so there is nothing to do",
                           id);
}

enum fov_code fov_store_webhook_retry(struct fov_store *s, int64_t key_id, const char *id,
                                      struct fov_err *err)
{
    const enum fov_code rc = fov__db_begin(s, err);
    return rc ? rc : fov__db_end(s, retry(s, key_id, id, err), err);
}

enum fov_code fov_store_webhook_next(struct fov_store *s, int64_t *ret_at_s, struct fov_err *err)
{
    int64_t at_s = INT64_MAX;
    sqlite3_mutex_enter(s->lock);
    const enum fov_code rc =
        fov__db_run(s, &at_s, err,
                    "SELECT at_s FROM webhook WHERE state = 'pending' ORDER BY at_s LIMIT 1", "");
    sqlite3_mutex_leave(s->lock);
    if (!rc)
        *ret_at_s = at_s;
    return rc;
}
